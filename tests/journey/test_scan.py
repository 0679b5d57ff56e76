"""From a QR code to an authorization: nothing is typed but the password and /auth."""

import re

import pytest
from playwright.sync_api import Browser, expect

pytestmark = [pytest.mark.processes, pytest.mark.browser]


def test_bot_is_made_by_qr_code_and_gets_its_first_authorization(portal, browser: Browser) -> None:
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    page.goto(f"{portal.url}/admin/login/?next=/admin/bots/bot/add/")
    page.fill("#id_username", portal.username)
    page.fill("#id_password", portal.password)
    page.press("#id_password", "Enter")
    expect(page.get_by_role("img", name="二维码")).to_be_visible()
    with context.expect_page() as opened:
        page.get_by_test_id("address").click()
    sandbox = opened.value
    sandbox.get_by_test_id("registration-allow").click()
    expect(sandbox.get_by_test_id("registration-outcome")).to_be_visible()
    expect(page).to_have_url(re.compile("/change/$"))
    expect(page.locator("[data-health]").first).to_have_attribute("data-health", "connected")
    app_id = re.search(r"cli_\w+", sandbox.content())[0]
    chat = context.new_page()
    chat.goto(f"{portal.sandbox.url}/")
    chat.get_by_test_id(f"bot-{app_id}").click()
    chat.get_by_test_id("composer").fill("/auth")
    chat.get_by_test_id("composer").press("Enter")
    card = chat.get_by_test_id("card").last
    expect(card).to_contain_text("验证码")
    with context.expect_page() as opened:
        card.get_by_test_id("card-button").filter(has_text="去授权").click()
    opened.value.get_by_test_id("consent-allow").click()
    expect(card).to_have_attribute("data-template", "green")
    context.close()
