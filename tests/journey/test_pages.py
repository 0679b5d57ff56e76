"""Every page of console, people and sandbox, opened once in Chromium: policy, scripts, accessibility, language."""

import pytest
from playwright.sync_api import Browser, expect

from sandbox.config import DEMO_APP_ID
from tests.journey.conftest import Person, Portal
from tests.journey.judges import Judges
from tests.journey.walking import MAX_PAGES, sign_in, walk

pytestmark = [pytest.mark.processes, pytest.mark.browser]

API_DOCS = "/api/v1/docs"
PUBLIC = (
    "/admin/login/",
    "/no/such/page",
    f"/oauth/callback/{DEMO_APP_ID}/?state=x&code=y",
    "/oauth/my/",
    API_DOCS,
)
SANDBOX = ("/", "/sandbox/docs", "/#faults", "/sandbox/misses")


def open_consent(person: Person, judges: Judges) -> None:
    """From the card to the page of what was allowed."""
    person.ask()
    consent = person.open("去授权")
    assert "script-src 'self'" in consent.request.get(consent.url).headers["content-security-policy"]
    judges.look(consent)
    consent.get_by_test_id("consent-allow").click()
    expect(consent.get_by_test_id("outcome")).to_have_attribute("data-tone", "good")
    judges.look(consent)
    expect(person.cards.last).to_have_attribute("data-template", "green")
    person.press("查看与管理授权")
    expect(person.cards.last).to_contain_text("我的授权")
    judges.look(person.open("打开我的授权页"))


def check_hearing(browser: Browser, portal: Portal) -> None:
    """The judges find what is wrong with a page that was made wrong."""
    context = browser.new_context(locale="zh-CN")
    judges = Judges(context)
    page = context.new_page()
    page.goto(f"{portal.url}/admin/login/")
    page.evaluate("""() => {
        document.body.append(Object.assign(document.createElement("script"), { text: "window.ran = 1" }));
        document.body.append(document.createElement("button"), "Not a word of Chinese");
        console.error("said by a script");
    }""")
    expect(page.locator("body")).to_be_visible()
    judges.look(page)
    assert page.evaluate("window.ran") is None
    for word in ("Content Security Policy", "said by a script", "Not a word", "button-name")[
        : 4 if judges.axe else 3
    ]:
        assert any(word in found for found in judges), (word, judges)
    context.close()


@pytest.mark.timeout(900)
def test_no_page_has_a_fault_that_a_browser_sees(portal: Portal, browser: Browser) -> None:
    check_hearing(browser, portal)
    context = browser.new_context(locale="zh-CN", viewport={"width": 1440, "height": 900})
    judges = Judges(context)
    page = context.new_page()
    for path in PUBLIC:
        answer = page.goto(f"{portal.url}{path}")
        assert answer is not None
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] in {"same-origin", "no-referrer"}
        judges.look(page, foreign="#swagger-ui" if path == API_DOCS else "")
    open_consent(Person(context, portal, "lilei"), judges)
    sign_in(page, portal)
    kinds = walk(page, f"{portal.url}/admin/", judges.look)
    assert {
        "/admin/bots/bot/",
        "/admin/bots/bot/add/",
        "/admin/events/event/live/",
        "/admin/connections/",
    } <= kinds
    assert f"/admin/bots/bot/{'*'}/change/" in kinds
    assert len(kinds) < MAX_PAGES
    for path in SANDBOX:
        answer = page.goto(f"{portal.sandbox.url}{path}")
        assert answer is not None
        assert answer.status == 200, path
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        judges.look(page)
    context.close()
    judges.close()
