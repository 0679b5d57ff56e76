"""``make screenshots``: a picture of every page, in two languages, two widths and two themes, to be looked at.

They stand below ``artifacts/screenshots``, a folder for each language, width and theme.
"""

import argparse
import re
import shutil
import sys
from contextlib import suppress
from itertools import product
from typing import Final
from urllib.parse import urldefrag, urlsplit

from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as BrowserError

from sandbox.config import DEMO_APP_ID
from tests.journey.conftest import Portal
from tests.journey.walking import shape_of, sign_in, walk
from tests.pictures import people_come, running_portal
from tests.services import chromium
from tests.services.processes import PROJECT

FOLDER: Final = PROJECT / "artifacts" / "screenshots"
LOCALES: Final = ("zh-CN", "en-US")
WIDTHS: Final = (1440, 390)
THEMES: Final = ("light", "dark")
PUBLIC: Final = (
    "/admin/login/",
    "/no/such/page",
    f"/oauth/callback/{DEMO_APP_ID}/?state=x&code=y",
    "/oauth/my/",
)
SANDBOX: Final = ("/", "/#faults", "/sandbox/docs", "/sandbox/misses")
TALLEST: Final = 4_000
"""Pixels of a page that are on its picture."""


def name_of(address: str) -> str:
    """A file's name: the path in words, with what the address adds to it."""
    parts = urlsplit(address)
    words = re.sub(r"[^a-z0-9]+", "-", f"{shape_of(parts.path)} {parts.fragment}".lower()).strip("-")
    return f"{words or 'start'}.png"


def addresses(browser: Browser, portal: Portal) -> list[str]:
    """One of each kind of the console's pages; a link to the middle of one leads to no other."""
    context = browser.new_context(locale="en-US")
    page, found = context.new_page(), []
    sign_in(page, portal)
    walk(page, f"{portal.url}/admin/", lambda seen: found.append(urldefrag(seen.url).url))
    context.close()
    return list(dict.fromkeys(found))


def take(page: Page, address: str, *, folder: str, prefix: str = "") -> None:
    page.goto(address, wait_until="load")
    with suppress(BrowserError):  # a live page never falls silent
        page.wait_for_load_state("networkidle", timeout=3_000)
    height = min(TALLEST, page.evaluate("document.documentElement.scrollHeight"))
    width = page.viewport_size["width"] if page.viewport_size else WIDTHS[0]
    clip = {"x": 0, "y": 0, "width": width, "height": height}
    page.screenshot(path=FOLDER / folder / f"{prefix}{name_of(address)}", full_page=True, clip=clip)


def take_all(browser: Browser, portal: Portal, only: str) -> None:
    inside = [address for address in addresses(browser, portal) if only in address]
    for locale, width, theme in product(LOCALES, WIDTHS, THEMES):
        folder = f"{locale[:2]}-{width}-{theme}"
        context = browser.new_context(
            locale=locale, viewport={"width": width, "height": 900}, color_scheme=theme
        )
        context.set_default_timeout(chromium.PATIENCE)
        page = context.new_page()
        for path in PUBLIC:
            if only in path:
                take(page, f"{portal.url}{path}", folder=folder)
        sign_in(page, portal)
        for address in inside:
            take(page, address, folder=folder)
        page.goto(f"{portal.sandbox.url}/sandbox/language/{locale[:2]}")
        for path in SANDBOX:
            if only in path:
                take(page, f"{portal.sandbox.url}{path}", folder=folder, prefix="sandbox-")
        context.close()
        print(folder, flush=True)  # noqa: T201 -- it takes minutes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--only", default="", metavar="TEXT", help="pages whose address contains this text")
    options = parser.parse_args()
    program = chromium.find()
    if program is None:
        sys.exit(chromium.MISSING)
    shutil.rmtree(FOLDER, ignore_errors=True)
    with sync_playwright() as playwright, running_portal() as portal:
        browser = playwright.chromium.launch(executable_path=program, args=chromium.ARGUMENTS)
        people_come(browser, portal)
        take_all(browser, portal, options.only)
        browser.close()


if __name__ == "__main__":
    main()
