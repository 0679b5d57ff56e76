"""A passkey of a real browser: added on the page about signing in, then enough to sign in."""

import re

import pytest
from playwright.sync_api import Browser, expect

pytestmark = [pytest.mark.processes, pytest.mark.browser]
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_passkey_is_added_and_signs_in_without_a_password(portal, browser: Browser) -> None:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    page.goto(f"{portal.url}/admin/login/?next=/admin/security/")
    page.fill("#id_username", portal.username)
    page.fill("#id_password", portal.password)
    page.press("#id_password", "Enter")
    page.fill("#passkey-name", "Laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page).to_have_url(re.compile("/admin/security/codes/$"))
    page.get_by_role("button", name="Show new codes").click()
    expect(page.get_by_test_id("recovery-codes").locator("li")).to_have_count(10)
    page.goto(f"{portal.url}/admin/security/")
    expect(page.get_by_test_id("factors")).to_contain_text("Laptop")
    context.clear_cookies()
    page.goto(f"{portal.url}/admin/login/?next=/admin/security/")
    page.get_by_test_id("passkey").get_by_role("button").click()
    expect(page).to_have_url(re.compile("/admin/security/$"))
    expect(page.get_by_test_id("sessions")).to_contain_text("Passkey")
    context.close()
