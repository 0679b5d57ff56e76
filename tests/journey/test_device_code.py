"""The way without a public address: chat, card, the platform's own page, the same card again."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from sandbox.config import DEMO_APP_ID
from tests.journey.conftest import Person, Portal
from tests.journey.test_authorization import message_ids

pytestmark = pytest.mark.browser
only_on_postgres = pytest.mark.only_on("postgres")


def walk(portal: Portal, arrive: Callable[..., Person]) -> None:
    li_lei = arrive(portal)
    li_lei.ask()
    before = message_ids(li_lei)
    expect(li_lei.cards.last).to_contain_text(re.compile(r"验证码 \w{4}-\w{4}"))
    page = li_lei.open("去授权")
    expect(page).to_have_url(re.compile(rf"^{portal.sandbox.url}/oauth/v1/device/verify\?user_code="))
    page.get_by_test_id("consent-allow").click()
    expect(page.get_by_test_id("device-outcome")).to_be_visible()
    expect(li_lei.cards.last).to_have_attribute("data-template", "green")
    assert message_ids(li_lei) == before, "the card changed in place"
    assert portal.sandbox.books(DEMO_APP_ID)["refresh_tokens"]


def test_authorized_without_a_public_address(intranet, person):
    walk(intranet, person)


@only_on_postgres
def test_authorized_without_a_public_address_in_production(production_on_an_intranet, person):
    walk(production_on_an_intranet, person)


@only_on_postgres
def test_somebody_else_allows_it(intranet, person):
    li_lei = person(intranet)
    li_lei.ask()
    page = li_lei.open("去授权")
    page.get_by_test_id("consent-person").select_option("hanmeimei")
    page.get_by_test_id("consent-allow").click()
    expect(li_lei.cards.last).to_contain_text("不是你本人")


@only_on_postgres
def test_denied_on_the_platforms_page_and_then_again(intranet, person):
    li_lei = person(intranet)
    li_lei.ask()
    li_lei.open("去授权").get_by_test_id("consent-deny").click()
    expect(li_lei.cards.last).to_contain_text("已拒绝授权")
    li_lei.press("重新授权")
    expect(li_lei.cards.last).to_contain_text("验证码")
    li_lei.open("去授权").get_by_test_id("consent-allow").click()
    expect(li_lei.cards.last).to_have_attribute("data-template", "green")


@only_on_postgres
def test_code_that_ended_is_replaced_on_the_same_card(intranet, person):
    intranet.sandbox.put_app(DEMO_APP_ID, device_code_lifetime=2)
    li_lei = person(intranet)
    li_lei.ask()
    before = message_ids(li_lei)
    expect(li_lei.cards.last).to_contain_text("获取新链接")
    intranet.sandbox.put_app(DEMO_APP_ID, device_code_lifetime=240)
    li_lei.press("获取新链接")
    li_lei.open("去授权").get_by_test_id("consent-allow").click()
    expect(li_lei.cards.last).to_have_attribute("data-template", "green")
    assert message_ids(li_lei) == before
