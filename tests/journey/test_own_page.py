"""A person's own page, from the authorized card to the end of the authorization."""

import pytest
from playwright.sync_api import expect

from sandbox.config import DEMO_APP_ID
from tests.journey.conftest import Person

pytestmark = [pytest.mark.browser, pytest.mark.only_on("postgres")]


def authorized(li_lei: Person) -> None:
    li_lei.ask()
    li_lei.open("去授权").get_by_test_id("consent-allow").click()
    expect(li_lei.cards.last).to_have_attribute("data-template", "green")


def test_person_sees_what_was_allowed_and_revokes_it(portal, person):
    li_lei = person(portal)
    authorized(li_lei)
    li_lei.press("查看与管理授权")
    expect(li_lei.cards.last).to_contain_text("我的授权")
    page = li_lei.open("打开我的授权页")
    expect(page.get_by_test_id("mine")).to_contain_text("在你离线时持续访问已授权的数据")
    assert page.url == f"{portal.url}/oauth/my/", "no one-time value stays in the address"
    page.get_by_test_id("revoke").locator("summary").click()
    page.get_by_test_id("revoke-sure").click()
    expect(page.get_by_test_id("outcome")).to_have_attribute("data-tone", "good")
    for _ in range(50):
        if all(token["revoked"] for token in portal.sandbox.books(DEMO_APP_ID)["refresh_tokens"]):
            break
        page.wait_for_timeout(200)
    assert all(token["revoked"] for token in portal.sandbox.books(DEMO_APP_ID)["refresh_tokens"])


def test_without_a_public_address_the_card_does_it(intranet, person):
    li_lei = person(intranet)
    authorized(li_lei)
    li_lei.press("查看与管理授权")
    expect(li_lei.cards.last).to_contain_text("我的授权")
    expect(li_lei.cards.last.get_by_test_id("card-button").filter(has_text="打开我的授权页")).to_have_count(0)
    li_lei.press("撤销授权")
    li_lei.chat.locator("#confirm [value=yes]").click()
    expect(li_lei.cards.last).to_contain_text("目前没有授权")


def test_link_opened_without_a_persons_doing_asks_for_one_click_more(portal, person):
    li_lei = person(portal)
    li_lei.ask()
    link = li_lei.cards.last.get_by_test_id("card-button").first.get_attribute("href")
    scanned = li_lei.context.request.get(link)
    page = li_lei.context.new_page()
    # Whatever Playwright opens counts as a person's doing, so the page that the scanner got is put in its place.
    page.route(link, lambda route: route.fulfill(response=scanned), times=1)
    page.goto(link)
    page.get_by_test_id("continue").click()
    page.get_by_test_id("consent-allow").click()
    expect(li_lei.cards.last).to_have_attribute("data-template", "green")
