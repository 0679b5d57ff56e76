"""What is asked of every page that a walk opens in Chromium: policy, scripts, accessibility, language.

axe-core comes with `make foreign`. Without it accessibility is not judged, unless REQUIRE_FOREIGN=1 says that it has to be.
"""

import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page

from tests.feishu_portal.test_translations import english_in

AXE: Final = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
GRAVE: Final = ("serious", "critical")
REFUSED: Final = "Failed to load resource"
"""What a browser says of a page that answers 4xx, as some of a walk should."""

# A sheet that the page's policy does not ask about: colours are judged as they stay, not as they fade.
SETTLE: Final = """dark => {
  const still = new CSSStyleSheet();
  still.replaceSync("*, *::before, *::after { transition: none !important; animation: none !important; }");
  document.adoptedStyleSheets = [still];
  document.documentElement.classList.toggle("dark", dark);
}"""
RUN: Final = """async ([only, grave, foreign]) => {
  const pages = foreign ? { include: [["html"]], exclude: [[foreign]] } : document;
  const { violations } = await axe.run(pages, { resultTypes: ["violations"], ...(only && { runOnly: only }) });
  return violations.filter((found) => grave.includes(found.impact)).map((found) => [
    found.id, found.nodes.map((node) => `${node.target.join(" ")}: ${node.html.slice(0, 160)}`),
  ]);
}"""


class Judges(list[str]):
    """What was found on the pages of a browser, a line each: the place first."""

    def __init__(self, context: BrowserContext) -> None:
        super().__init__()
        self.axe = AXE.read_text() if AXE.exists() else ""
        context.on("console", self._hear)
        context.on(
            "weberror", lambda failed: self.append(f"{failed.page and failed.page.url}: {failed.error}")
        )

    def _hear(self, message: ConsoleMessage) -> None:
        """Policies that a page breaks are errors and warnings; anything else that is an error counts too."""
        is_policy = "Content Security Policy" in message.text or "Content-Security-Policy" in message.text
        if is_policy or (message.type == "error" and not message.text.startswith(REFUSED)):
            self.append(f"{message.location.get('url')}: {message.text}")

    def look(self, page: Page, *, foreign: str = "") -> None:
        """At the page as it stands, in the light and in the dark theme; in the dark one colours alone. ``foreign``: the selector
        of what software of others draws, which is not judged, nor is the page's language then."""
        place = urlsplit(page.url).path
        if not foreign:
            self += [f"{place}: English: {text}" for text in english_in(page.content())]
        if not self.axe:
            return
        page.evaluate(self.axe)
        for theme, only in (("light", None), ("dark", ["color-contrast"])):
            page.emulate_media(color_scheme=theme)
            page.evaluate(SETTLE, theme == "dark")
            found: list[tuple[str, list[Any]]] = page.evaluate(RUN, [only, GRAVE, foreign])
            self += [f"{place} ({theme}): {rule}: {node}" for rule, nodes in found for node in nodes]
        page.emulate_media(color_scheme="light")

    def close(self) -> None:
        """Fails with what was found; skips, or fails where it is required, when accessibility was not judged."""
        if self:
            pytest.fail("\n".join(self), pytrace=False)
        if not self.axe:
            said = "axe-core is not installed; `make foreign` does it (it needs node and npm)"
            if os.environ.get("REQUIRE_FOREIGN", "") == "1":
                pytest.fail(said)
            pytest.skip(said)
