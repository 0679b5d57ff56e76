"""The way of somebody new: an empty portal, the first operator, a bot, a green checklist, the first authorization.

Once by QR code and once by hand; `make stopwatch` does it in both languages of the console, and prints how many seconds each took.
A person takes longer to read, and no less to wait.
"""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journey.conftest import EMBEDDED, Portal
from tests.services.ports import free_port

pytestmark = [pytest.mark.processes, pytest.mark.browser]


@dataclass(frozen=True)
class Words:
    """What somebody reads on the way."""

    add_bot: str
    qr_code: str
    device_code: str
    authorize: str


WORDS: Final = {
    "zh-CN": Words("添加机器人", "二维码", "验证码", "去授权"),
    "en-US": Words("Add a bot", "QR code", "its code is", "Authorize"),
}
LANGUAGE: Final = os.environ.get("JOURNEY_LANGUAGE", "zh-CN")
"""Of the browser."""
READ: Final = WORDS[LANGUAGE]

PASSWORD = "a password of somebody new"
APP_ID, SECRET = "cli_00000000000000ac", "the-secret-of-a-bot-by-hand"


@pytest.fixture
def new_installation(sandbox, managed_process, embedded_copies) -> tuple[Portal, str]:
    """A portal that nobody has used yet, beside a platform, and the link that it prints."""
    port = free_port()
    environment = EMBEDDED | {
        "DATABASE_URL": embedded_copies.create(),
        "FEISHU_REGISTRATION_ADDRESSES": f"{sandbox.url},{sandbox.url}",
        "FEISHU_PLATFORM_NETWORKS": "loopback",
    }
    process = managed_process("manage.py", "runportal", "--port", str(port), environment=environment)
    link = process.wait_for(r"http://\S+token=\S+")[0]
    managed_process.secrets.add(SECRET)
    return Portal(f"http://localhost:{port}", sandbox, "new", PASSWORD), link


@contextmanager
def stopwatch(record, what: str) -> Iterator[None]:
    begun = time.monotonic()
    yield
    seconds = time.monotonic() - begun
    record(what, f"{seconds:.1f} s")
    print(f"\n{LANGUAGE}, {what}: {seconds:.1f} s")  # noqa: T201 -- what it is for


def become_operator(page: Page, link: str) -> None:
    page.goto(link)
    page.fill("#id_username", "new")
    page.fill("#id_password1", PASSWORD)
    page.fill("#id_password2", PASSWORD)
    page.press("#id_password2", "Enter")
    expect(page.get_by_test_id("start")).to_be_visible()
    page.get_by_test_id("start").get_by_role("link", name=READ.add_bot).click()


def scan(context: BrowserContext, page: Page) -> str:
    """The App ID of the app that is made by it."""
    expect(page.get_by_role("img", name=READ.qr_code)).to_be_visible()
    with context.expect_page() as opened:
        page.get_by_test_id("address").click()
    phone = opened.value
    phone.get_by_test_id("registration-allow").click()
    expect(phone.get_by_test_id("registration-outcome")).to_be_visible()
    expect(page).to_have_url(re.compile("/change/$"))
    return re.search(r"cli_\w+", phone.content())[0]


def enter(page: Page, portal: Portal) -> None:
    page.get_by_test_id("by-hand").click()
    page.fill("#id_name", "By hand")
    page.fill("#id_app_id", APP_ID)
    page.select_option("#id_platform", "custom")
    page.fill("#id_open_url", portal.sandbox.url)
    page.fill("#id_accounts_url", portal.sandbox.url)
    page.fill("#id_app_secret", SECRET)
    page.press("#id_app_secret", "Enter")
    expect(page).to_have_url(re.compile("/change/$"))


def authorize(context: BrowserContext, portal: Portal, page: Page, app_id: str) -> None:
    """Write to the bot, follow its card, and see the bot's checklist turn green on the page that stays open."""
    expect(page.locator("[data-health]").first).to_have_attribute("data-health", "connected")
    chat = context.new_page()
    chat.goto(f"{portal.sandbox.url}/")
    chat.get_by_test_id(f"bot-{app_id}").click()
    chat.get_by_test_id("composer").fill("/auth")
    chat.get_by_test_id("composer").press("Enter")
    card = chat.get_by_test_id("card").last
    expect(card).to_contain_text(READ.device_code)
    with context.expect_page() as opened:
        card.get_by_test_id("card-button").filter(has_text=READ.authorize).click()
    opened.value.get_by_test_id("consent-allow").click()
    expect(card).to_have_attribute("data-template", "green")
    expect(page.locator("#checklist h2")).to_have_attribute("data-result", "ok")


def test_new_operator_gets_to_the_first_authorization(
    new_installation: tuple[Portal, str], browser: Browser, record_property
) -> None:
    portal, link = new_installation
    context = browser.new_context(locale=LANGUAGE)
    page = context.new_page()
    with stopwatch(record_property, "from the empty portal by QR code"):
        become_operator(page, link)
        authorize(context, portal, page, scan(context, page))
    portal.sandbox.put_app(APP_ID, app_secret=SECRET, name="By hand", redirect_urls=[], device_interval=1)
    with stopwatch(record_property, "one more bot by hand"):
        page.goto(f"{portal.url}/admin/bots/bot/add/")
        enter(page, portal)
        authorize(context, portal, page, APP_ID)
    context.close()
