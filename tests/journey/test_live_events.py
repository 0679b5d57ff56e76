"""The page of live events with everything in one process, and the incident that an event on it becomes."""

import json
import uuid

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from sandbox.config import DEMO_APP_ID
from tests.journey.conftest import Person, Portal
from tests.journey.walking import sign_in

pytestmark = [pytest.mark.processes, pytest.mark.browser]


def open_live(page: Page, portal: Portal) -> Locator:
    """The page, once it is live; returns its rows."""
    page.goto(f"{portal.url}/admin/events/event/live/")
    expect(page.locator("[data-tail-state]")).to_have_text("实时")
    return page.get_by_test_id("tail-rows").locator("li")


def push(portal: Portal, event_type: str) -> None:
    header = {"event_id": uuid.uuid4().hex, "event_type": event_type, "app_id": DEMO_APP_ID}
    raw = json.dumps({"schema": "2.0", "header": header, "event": {}})
    portal.sandbox.push(DEMO_APP_ID, count=1, raw=raw)


def have_notices_sent(page: Page, portal: Portal, address: str) -> None:
    """The operator links their Feishu account, and has notices sent there."""
    page.goto(f"{portal.url}/admin/security/")
    page.get_by_role("button", name="关联我的飞书账号").click()
    page.get_by_test_id("consent-allow").click()
    expect(page.get_by_test_id("accounts")).to_contain_text("李雷")
    page.goto(f"{portal.url}/admin/access/user/1/change/")
    page.fill("#id_feishu_address", address)
    page.press("#id_feishu_address", "Enter")
    expect(page).to_have_url(f"{portal.url}/admin/access/user/")


def take_incident(operator: Person) -> None:
    """On the card that tells of it, which then says who has it."""
    card = operator.cards.last
    expect(card).to_contain_text("无法解析")
    expect(card).to_have_attribute("data-template", "orange")
    operator.press("我来处理")
    expect(card).to_have_attribute("data-template", "turquoise")
    expect(card).to_contain_text("由 admin 处理")
    expect(card.get_by_test_id("card-button").filter(has_text="接手")).to_be_visible()


def test_events_show_as_they_come_and_wait_while_the_page_is_paused(portal: Portal, browser: Browser) -> None:
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    sign_in(page, portal)
    have_notices_sent(page, portal, "lilei@example.test")
    rows = open_live(page, portal)
    portal.sandbox.push(DEMO_APP_ID, count=1, raw="no event")
    expect(rows).to_have_count(1)
    expect(rows.first.locator(".portal-tail-status")).to_have_text("无法解析")
    push(portal, "test.first_v1")
    expect(rows).to_have_count(2)
    expect(rows.first.locator("a")).to_have_text("test.first_v1")
    expect(rows.first.locator(".portal-tail-status")).to_have_text("无处理器")
    page.get_by_role("button", name="暂停").click()
    expect(page.locator("[data-tail-state]")).to_have_text("已暂停")
    other_rows = open_live(context.new_page(), portal)
    push(portal, "test.second_v1")
    expect(other_rows.filter(has_text="test.second_v1")).to_have_count(1)
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="继续").click()
    expect(rows).to_have_count(3)
    expect(rows.first.locator("a")).to_have_text("test.second_v1")
    take_incident(Person(context, portal, "lilei"))
    context.close()
