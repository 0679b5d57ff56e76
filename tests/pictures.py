"""``make pictures``: the pictures of the READMEs taken again, of a portal with its sandbox, in both languages and the light theme."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from sandbox.config import DEMO_APP_ID
from tests.journey.conftest import Person, Portal, add_bot
from tests.journey.test_authorization import outcome, sign_in
from tests.services import chromium
from tests.services.platform import SandboxClient
from tests.services.ports import free_port
from tests.services.processes import PROJECT, ProcessStarter

FOLDER: Final = PROJECT / "docs" / "pictures"
LANGUAGES: Final = {"en-US": "", "zh-CN": ".zh"}
"""Of browsers, and what the names of their pictures end in."""
SIZE: Final = {"width": 1280, "height": 760}
CHAT: Final = {"x": 0, "y": 56, "width": 900, "height": SIZE["height"] - 56}
"""Without the bar above and the list of calls beside it."""
OTHERS: Final = {"cli_b0b0000000000001": "Approvals 审批助手", "cli_b0b0000000000002": "Daily report 日报"}
"""Two more bots, by App ID, so that lists are lists."""
PEOPLE: Final = ("lilei", "hanmeimei", "wangfang")
SECRET: Final = "the-secret-of-a-bot-in-a-picture"


@contextmanager
def running_portal() -> Iterator[Portal]:
    """With the handlers of the quickstart, three bots, and people who write to one of them."""
    port, sandbox_port = free_port(), free_port()
    environment = {
        "DEBUG": "off",
        "PUBLIC_URL": f"http://localhost:{port}",
        "FEISHU_HANDLERS": "docs.examples.answer,docs.examples.approval",
    }
    with TemporaryDirectory() as folder:
        start = ProcessStarter(Path(folder))
        process = start(
            "manage.py", "runportal", "--sandbox", "--port", str(port), "--sandbox-port", str(sandbox_port),
            environment=environment,
        )  # fmt: skip
        try:
            password = process.wait_for(r"password \S+ (\S+)", seconds=240)[1]
            sandbox = SandboxClient(f"http://localhost:{sandbox_port}")
            portal = Portal(f"http://localhost:{port}", sandbox, "admin", password)
            for app_id, name in OTHERS.items():
                sandbox.put_app(app_id, app_secret=SECRET, name=name, en_name=name)
                arguments = [app_id if part == DEMO_APP_ID else part for part in add_bot(sandbox)]
                arguments[1] = name
                secret = environment | {"FEISHU_APP_SECRET": SECRET}
                assert start("manage.py", *arguments, environment=secret).wait_for_exit(seconds=240) == 0
            yield portal
            sandbox.close()
        finally:
            start.close()


def people_come(browser: Browser, portal: Portal) -> None:
    """Everybody writes; two authorize the bot, and the third is left with the card."""
    for name in PEOPLE:
        person = Person(new_context(browser, "zh-CN"), portal, name)
        person.say("hello")
        person.say("leave")
        expect(person.cards).to_have_count(1)
        person.press("同意")
        expect(person.cards.last).to_contain_text("同意人")
        person.ask()
        if name != PEOPLE[-1]:
            consent = person.open("去授权")
            consent.get_by_test_id("consent-allow").click()
            expect(outcome(consent)).to_have_attribute("data-tone", "good")


def new_context(browser: Browser, locale: str) -> BrowserContext:
    context = browser.new_context(locale=locale, viewport=SIZE, color_scheme="light")
    context.set_default_timeout(chromium.PATIENCE)
    return context


def open_first(path: str) -> Callable[[Page, Portal], None]:
    """A list's first row that links to a page of its own."""

    def go(page: Page, portal: Portal) -> None:
        page.goto(f"{portal.url}{path}")
        page.locator("#result_list tbody a").first.click()
        page.wait_for_load_state("networkidle")

    return go


def open_page(path: str) -> Callable[[Page, Portal], None]:
    def go(page: Page, portal: Portal) -> None:
        page.goto(f"{portal.url}{path}")
        page.wait_for_load_state("networkidle")

    return go


def open_event(page: Page, portal: Portal) -> None:
    """A message that both handlers heard, where it says so."""
    page.goto(f"{portal.url}/admin/events/event/?q=leave")
    page.locator("#result_list tbody a", has_text=re.compile("Message received|接收消息")).first.click()
    page.wait_for_load_state("networkidle")
    page.get_by_text("examples.ask_for_approval").first.evaluate("e => e.scrollIntoView({block: 'center'})")


def open_bot(page: Page, portal: Portal) -> None:
    """Examined again: the overview goes by what was found then, and people have written since the first time."""
    open_first(f"/admin/bots/bot/?q={DEMO_APP_ID}")(page, portal)
    page.locator("button[form=check-again]").first.click()
    page.wait_for_load_state("networkidle")
    open_first(f"/admin/bots/bot/?q={DEMO_APP_ID}")(page, portal)


CONSOLE: Final = {
    "bot": open_bot,
    "event": open_event,
    "tokens": open_page("/admin/auth_sessions/usertoken/"),
    "overview": open_page("/admin/"),
}


def take_pictures(browser: Browser, portal: Portal) -> None:
    for locale, ending in LANGUAGES.items():
        context = new_context(browser, locale)
        page = context.new_page()
        sign_in(page, portal)
        for name, go in CONSOLE.items():
            go(page, portal)
            page.screenshot(path=FOLDER / f"{name}{ending}.png")
        page.goto(f"{portal.sandbox.url}/sandbox/language/{locale[:2]}")
        chat = Person(context, portal, PEOPLE[-1]).chat
        expect(chat.get_by_test_id("card").last).to_be_visible()
        chat.wait_for_load_state("networkidle")
        chat.screenshot(path=FOLDER / f"card{ending}.png", clip=CHAT)
        context.close()


def main() -> None:
    program = chromium.find()
    if program is None:
        sys.exit(chromium.MISSING)
    FOLDER.mkdir(exist_ok=True)
    expect.set_options(timeout=chromium.PATIENCE)
    with sync_playwright() as playwright, running_portal() as portal:
        browser = playwright.chromium.launch(executable_path=program, args=chromium.ARGUMENTS)
        people_come(browser, portal)
        take_pictures(browser, portal)
        browser.close()


if __name__ == "__main__":
    main()
