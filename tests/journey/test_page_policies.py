"""Every page works in a browser under its content security policy, scripts and styles included."""

from collections import deque
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from sandbox.config import DEMO_APP_ID
from tests.journey.conftest import Person, Portal

pytestmark = [pytest.mark.processes, pytest.mark.browser]

LINKS = """[...document.querySelectorAll("a[href]")].map(
    (link) => new URL(link.getAttribute("href"), document.baseURI).href
)"""
MAX_PAGES = 60
NO_PAGES = ("logout", "export")
"""Parts of paths under which there is none: the second one is a download."""
PUBLIC = (
    "/admin/login/",
    "/no/such/page",
    f"/oauth/callback/{DEMO_APP_ID}/?state=x&code=y",
    "/oauth/my/",
    "/api/v1/docs",
)
SANDBOX = ("/", "/sandbox/docs", "/#faults", "/sandbox/misses")


class Complaints(list[str]):
    """What the consoles of a browser's pages say of policies and of errors in scripts."""

    def __init__(self, context: BrowserContext) -> None:
        super().__init__()
        context.on("console", self._note)
        context.on("weberror", lambda failed: self.append(str(failed.error)))

    def _note(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
            self.append(f"{message.location.get('url')}: {message.text}")


def sign_in(page: Page, portal: Portal) -> None:
    page.goto(f"{portal.url}/admin/")
    page.fill("#id_username", portal.username)
    page.fill("#id_password", portal.password)
    page.press("#id_password", "Enter")
    expect(page.locator("#id_password")).to_have_count(0)


def shape_of(address: str) -> str:
    """The path with what tells one row from another left out: one page of each kind is enough."""
    return "/".join(
        "*" if len(part) > 20 or part.isdigit() else part for part in urlsplit(address).path.split("/")
    )


def walk(page: Page, start: str) -> set[str]:
    """Opens one page of each kind that links below /admin/ lead to; what it has opened, by kind."""
    waiting, seen = deque([start]), {shape_of(start)}
    while waiting:
        page.goto(waiting.popleft(), wait_until="load")
        for address in page.evaluate(LINKS):
            parts = urlsplit(address)
            is_ours = parts.netloc == urlsplit(start).netloc and parts.path.startswith("/admin/")
            if (
                is_ours
                and not set(NO_PAGES) & set(parts.path.split("/"))
                and shape_of(address) not in seen
                and len(seen) < MAX_PAGES
            ):
                seen.add(shape_of(address))
                waiting.append(address)
    return seen


@pytest.mark.timeout(900)
def test_no_page_breaks_its_policy(portal: Portal, browser: Browser) -> None:
    context = browser.new_context(locale="zh-CN")
    complaints = Complaints(context)
    page = context.new_page()
    for path in PUBLIC:
        answer = page.goto(f"{portal.url}{path}")
        assert answer is not None
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] in {"same-origin", "no-referrer"}
    person = Person(context, portal, "lilei")
    person.ask()
    consent = person.open("去授权")
    assert "script-src 'self'" in consent.request.get(consent.url).headers["content-security-policy"]
    sign_in(page, portal)
    kinds = walk(page, f"{portal.url}/admin/")
    assert {
        "/admin/bots/bot/",
        "/admin/bots/bot/add/",
        "/admin/events/event/live/",
        "/admin/connections/",
    } <= kinds
    assert f"/admin/bots/bot/{'*'}/change/" in kinds
    for path in SANDBOX:
        answer = page.goto(f"{portal.sandbox.url}{path}")
        assert answer is not None
        assert answer.status == 200, path
        assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert complaints == []
    context.close()


def test_browser_says_where_a_page_breaks_its_policy(portal: Portal, browser: Browser) -> None:
    context = browser.new_context()
    complaints = Complaints(context)
    page = context.new_page()
    page.goto(f"{portal.url}/admin/login/")
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))"
    )
    expect(page.locator("body")).to_be_visible()
    assert page.evaluate("window.ran") is None
    assert complaints
    context.close()
