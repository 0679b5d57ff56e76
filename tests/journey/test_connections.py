"""The page of connections with everything in one process: SQLite, and no Redis to carry notifications."""

import pytest
from playwright.sync_api import Browser, expect

from sandbox.config import DEMO_APP_ID

pytestmark = [pytest.mark.processes, pytest.mark.browser]


def test_lost_connection_shows_without_reload(portal, browser: Browser) -> None:
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    page.goto(f"{portal.url}/admin/login/?next=/admin/connections/")
    page.fill("#id_username", portal.username)
    page.fill("#id_password", portal.password)
    page.press("#id_password", "Enter")
    row = page.get_by_test_id(f"row-{DEMO_APP_ID}")
    expect(row).to_have_attribute("data-health", "connected")
    expect(page.get_by_test_id("live-status")).to_have_text("实时")
    page.evaluate("window.same = true")
    portal.sandbox.faults(discovery={"http_status": 503})
    portal.sandbox.disturb("drop", app_id=DEMO_APP_ID)
    expect(row).to_have_attribute("data-health", "reconnecting")
    portal.sandbox.faults()
    expect(row).to_have_attribute("data-health", "connected")
    assert page.evaluate("window.same")
    context.close()
