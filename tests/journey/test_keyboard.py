"""The console without a mouse: sign in, add a bot by hand, choose people and a group, find it, filter, act on a row, sign out."""

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.journey.conftest import Portal

pytestmark = [pytest.mark.processes, pytest.mark.browser]

MOST_STOPS = 150
APP_ID, SECRET = "cli_00000000000000ab", "the-secret-of-a-bot-without-a-mouse"


def tab_to(target: Locator) -> None:
    """Press Tab until the element has the focus."""
    expect(target).to_be_visible()
    page = target.page
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if target.evaluate("(element) => element === document.activeElement"):
            return
    raise AssertionError(f"Tab does not lead to {target}")


def write(page: Page, field: str, text: str) -> None:
    tab_to(page.locator(f"#id_{field}"))
    page.keyboard.type(text)


def shortcut(page: Page, key: str) -> None:
    """Press a shortcut of the console's script, which hears it once the page has loaded."""
    page.wait_for_load_state()
    page.keyboard.press(key)


def search_for(page: Page, text: str, hit: str) -> None:
    shortcut(page, "Control+k")
    page.keyboard.type(text)
    option = page.get_by_role("option").filter(has_text=hit).first
    expect(option).to_be_visible()
    while option.get_attribute("aria-selected") != "true":
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")


def choose_people(page: Page, portal: Portal) -> None:
    """Look two up by their addresses, take both back, and choose one of them by name."""
    portal.sandbox.put_person("lina", name="李娜", en_name="Li Na")
    asking = f"{portal.url}/admin/auth_sessions/authsession/ask/"
    page.goto(asking)
    tab_to(page.locator("#id_bot"))
    page.keyboard.type("Keys")
    search = page.get_by_test_id("people-search")
    chosen = page.get_by_role("list", name="Chosen people").locator("li")
    tab_to(search)
    for number, (address, name) in enumerate(
        (("lilei@example.test", "Li Lei"), ("lina@example.test", "Li Na")), start=1
    ):
        page.keyboard.type(address)
        expect(page.get_by_role("button", name="Look up at Feishu")).to_be_visible()
        page.keyboard.press("Enter")
        expect(chosen).to_have_count(number)
        expect(chosen.last).to_contain_text(name)
    for left in (1, 0):
        page.keyboard.press("Backspace")
        expect(chosen).to_have_count(left)
    page.keyboard.type("Li")
    choose_last_of_two(page, search, "Li Lei")
    expect(chosen).to_contain_text(["Li Lei"])
    # Escape leaves what was chosen, and Enter without offers does not send the form.
    page.keyboard.type("Li")
    expect(page.locator("[role=option]")).to_have_count(2)
    page.keyboard.press("Escape")
    expect(page.locator("[role=option]")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(search).to_be_focused()
    expect(search).to_have_value("Li")
    expect(chosen).to_have_count(1)
    expect(page).to_have_url(asking)


def choose_group(page: Page, portal: Portal) -> None:
    """One of two that are offered to whoever comes to the field; then it is taken back."""
    for name in ("Day shift", "Night shift"):
        portal.sandbox.add_group(name, app_id=APP_ID)
    page.goto(f"{portal.url}/admin/alerts/alertreceiver/add/")
    tab_to(page.locator("#id_bot"))
    page.keyboard.type("Keys")
    search = page.get_by_test_id("chat-search")
    tab_to(search)
    choose_last_of_two(page, search, "shift")
    chosen = page.get_by_role("list", name="Chosen group").locator("li")
    expect(chosen).to_have_count(1)
    page.keyboard.press("Backspace")
    expect(chosen).to_have_count(0)


def choose_last_of_two(page: Page, search: Locator, name: str) -> None:
    """Down to it and round to the first one again, then up to it from there."""
    options = page.locator("[role=option]")
    expect(options).to_have_count(2)
    for key, number in (("ArrowDown", 1), ("ArrowDown", 0), ("ArrowUp", 1)):
        page.keyboard.press(key)
        option = options.nth(number)
        expect(option).to_have_attribute("aria-selected", "true")
        expect(search).to_have_attribute("aria-activedescendant", str(option.get_attribute("id")))
    expect(options.last).to_contain_text(name)
    page.keyboard.press("Enter")
    expect(options).to_have_count(0)


@pytest.mark.timeout(900)
def test_main_flows_need_no_mouse(portal, browser: Browser) -> None:
    portal.sandbox.put_app(APP_ID, app_secret=SECRET, name="Keys", redirect_urls=[])
    context = browser.new_context(locale="en-US", viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"{portal.url}/admin/login/?next=/admin/bots/bot/add/")
    page.locator("#id_username").focus()
    page.keyboard.type(portal.username)
    page.keyboard.press("Tab")
    page.keyboard.type(portal.password)
    page.keyboard.press("Enter")

    # The first stop is the way past the sidebar.
    expect(page.get_by_role("heading", level=1, name="Add a bot")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()

    tab_to(page.get_by_test_id("by-hand"))
    page.keyboard.press("Enter")
    write(page, "name", "Keys")
    write(page, "app_id", APP_ID)
    tab_to(page.locator("#id_platform"))
    page.keyboard.press("End")
    write(page, "open_url", portal.sandbox.url)
    write(page, "accounts_url", portal.sandbox.url)
    write(page, "app_secret", SECRET)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/change/$"))

    choose_people(page, portal)
    choose_group(page, portal)

    search_for(page, "Bots", "Bots")
    expect(page).to_have_url(f"{portal.url}/admin/bots/bot/")
    shortcut(page, "/")
    page.keyboard.type("Keys")
    page.keyboard.press("Enter")
    expect(page.locator("#result_list tbody")).to_have_count(1)
    tab_to(page.get_by_test_id("filters"))
    page.keyboard.press("Enter")
    tab_to(page.get_by_role("dialog", name="Filters").get_by_role("link", name="Custom addresses"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("list", name="Active filters")).to_contain_text("Custom addresses")

    tab_to(page.get_by_test_id("row-menu"))
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("link", name="Switch off")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("row-menu")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    tab_to(page.get_by_role("button", name="Switch off"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 bot switched off.")).to_be_visible()

    tab_to(page.get_by_test_id("user-menu"))
    page.keyboard.press("Enter")
    tab_to(page.get_by_test_id("sign-out"))
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("signed-out")).to_be_visible()
    context.close()
