"""The page of live events with everything in one process."""

import json
import uuid

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from sandbox.config import DEMO_APP_ID
from tests.journey.conftest import Portal

pytestmark = [pytest.mark.processes, pytest.mark.browser]


def opened(context: BrowserContext, portal: Portal) -> tuple[Page, Locator]:
    """The page, signed in and live, and its rows."""
    page = context.new_page()
    page.goto(f"{portal.url}/admin/events/event/live/")
    if page.locator("#id_username").is_visible():
        page.fill("#id_username", portal.username)
        page.fill("#id_password", portal.password)
        page.press("#id_password", "Enter")
    expect(page.locator("[data-tail-state]")).to_have_text("实时")
    return page, page.get_by_test_id("tail-rows").locator("li")


def push(portal: Portal, event_type: str) -> None:
    header = {"event_id": uuid.uuid4().hex, "event_type": event_type, "app_id": DEMO_APP_ID}
    raw = json.dumps({"schema": "2.0", "header": header, "event": {}})
    portal.sandbox.push(DEMO_APP_ID, count=1, raw=raw)


def test_events_show_as_they_come_and_wait_while_the_page_is_paused(portal: Portal, browser: Browser) -> None:
    context = browser.new_context(locale="zh-CN")
    page, rows = opened(context, portal)
    push(portal, "test.first_v1")
    expect(rows).to_have_count(1)
    expect(rows.first.locator("a")).to_have_text("test.first_v1")
    expect(rows.first.locator(".portal-tail-status")).to_have_text("无处理器")
    page.get_by_role("button", name="暂停").click()
    expect(page.locator("[data-tail-state]")).to_have_text("已暂停")
    _other_page, other_rows = opened(context, portal)
    push(portal, "test.second_v1")
    expect(other_rows.filter(has_text="test.second_v1")).to_have_count(1)
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="继续").click()
    expect(rows).to_have_count(2)
    expect(rows.first.locator("a")).to_have_text("test.second_v1")
    context.close()
