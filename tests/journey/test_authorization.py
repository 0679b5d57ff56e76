"""The whole way, as a person walks it: chat, card, consent, the same card again, the console."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from sandbox.config import DEMO_APP_ID
from tests.journey.conftest import Person, Portal

pytestmark = pytest.mark.browser
# Portals in one process have SQLite wherever this runs, so the processes of production have PostgreSQL.
only_on_postgres = pytest.mark.only_on("postgres")


def message_ids(person: Person) -> list[str]:
    return person.chat.get_by_test_id("message").evaluate_all("all => all.map(one => one.dataset.messageId)")


def outcome(page: Page):
    return page.get_by_test_id("outcome")


def sign_in(page: Page, portal: Portal) -> None:
    page.goto(f"{portal.url}/admin/")
    page.get_by_label(re.compile("用户名|Username")).fill(portal.username)
    page.get_by_label(re.compile("密码|Password")).fill(portal.password)
    page.locator("#login-form").get_by_role("button").click()
    expect(page).to_have_url(f"{portal.url}/admin/")


def walk(portal: Portal, arrive: Callable[..., Person]) -> None:
    portal.sandbox.put_app(DEMO_APP_ID, access_token_lifetime=16)
    person = arrive(portal)
    person.ask()
    before = message_ids(person)

    consent = person.open("去授权")
    consent.get_by_test_id("consent-allow").click()
    expect(outcome(consent)).to_have_attribute("data-tone", "good")
    expect(consent).to_have_url(re.compile(rf"/oauth/callback/{DEMO_APP_ID}/"))

    expect(person.cards.last).to_have_attribute("data-template", "green")
    expect(person.cards.last.get_by_test_id("card-button").filter(has_text="去授权")).to_have_count(0)
    assert message_ids(person) == before, "the card changed in place"

    console = person.context.new_page()
    sign_in(console, portal)
    console.goto(f"{portal.url}/admin/auth_sessions/usertoken/")
    console.get_by_role("link", name="李雷").first.click()
    expect(console.locator("#content")).to_contain_text("offline_access")
    assert "eyJ" not in console.content(), "no token in the page"
    see_refresh(console, portal)


def see_refresh(console: Page, portal: Portal) -> None:
    """The sandbox gave the access token sixteen seconds: the console shows that it was refreshed before its end."""
    submissions = portal.sandbox.books(DEMO_APP_ID)["refresh_counts"]["submissions"]
    attempts = console.get_by_text("已刷新", exact=True)

    def reloaded() -> int:
        console.reload()
        return attempts.count()

    for _ in range(100):
        if reloaded():
            break
        console.wait_for_timeout(300)
    expect(attempts.first).to_be_attached()
    books = portal.sandbox.books(DEMO_APP_ID)["refresh_counts"]
    assert books["submissions"] > submissions or submissions
    assert books["replays"] == 0


def test_journey_with_make_run(new_portal, person):
    walk(new_portal, person)


@only_on_postgres
def test_journey_with_the_processes_of_production(production, person):
    walk(production, person)


@only_on_postgres
def test_denied_on_the_consent_page(portal, person):
    li_lei = person(portal)
    li_lei.ask()
    page = li_lei.open("去授权")
    page.get_by_test_id("consent-deny").click()
    expect(outcome(page)).to_contain_text("拒绝")
    expect(li_lei.cards.last).to_contain_text("已拒绝授权")


@only_on_postgres
def test_not_now_and_then_again_on_the_same_card(portal, person):
    li_lei = person(portal)
    li_lei.ask()
    before = message_ids(li_lei)
    li_lei.press("暂不授权")
    expect(li_lei.cards.last).to_contain_text("已拒绝授权")
    li_lei.press("重新授权")
    expect(li_lei.cards.last).to_contain_text("需要你的授权")
    li_lei.open("去授权").get_by_test_id("consent-allow").click()
    expect(li_lei.cards.last).to_have_attribute("data-template", "green")
    assert message_ids(li_lei) == before


@only_on_postgres
def test_somebody_else_authorizes(portal, person):
    li_lei = person(portal)
    li_lei.ask()
    page = li_lei.open("去授权")
    page.get_by_test_id("consent-person").select_option("hanmeimei")
    page.get_by_test_id("consent-allow").click()
    expect(outcome(page)).to_have_attribute("data-tone", "bad")
    expect(li_lei.cards.last).to_contain_text("授权未完成")
    expect(li_lei.cards.last).to_contain_text("不是你本人")


@only_on_postgres
def test_answer_used_a_second_time(portal, person):
    li_lei = person(portal)
    li_lei.ask()
    page = li_lei.open("去授权")
    page.get_by_test_id("consent-allow").click()
    expect(outcome(page)).to_have_attribute("data-tone", "good")
    page.reload()
    expect(outcome(page)).to_have_attribute("data-tone", "neutral")
    expect(li_lei.cards.last).to_have_attribute("data-template", "green")


@only_on_postgres
def test_answer_brought_to_another_browser(portal, person):
    li_lei, other = person(portal), person(portal, "hanmeimei")
    li_lei.ask()
    page = li_lei.open("去授权")
    answer = page.context.request.post(
        page.locator("form").evaluate("form => form.action"),
        form={"person": "lilei", "decision": "allow"},
        max_redirects=0,
    )
    elsewhere = other.context.new_page()
    elsewhere.goto(answer.headers["location"])
    expect(outcome(elsewhere)).to_have_attribute("data-tone", "bad")
    expect(li_lei.cards.last).to_contain_text("另一个浏览器")


@only_on_postgres
def test_platform_refuses_the_code(portal, person):
    li_lei = person(portal)
    li_lei.ask()
    portal.sandbox.faults(token={"code": 20009, "error": "invalid_request", "http_status": 400})
    page = li_lei.open("去授权")
    page.get_by_test_id("consent-allow").click()
    expect(outcome(page)).to_contain_text("20009")
    expect(li_lei.cards.last).to_contain_text("20009")


@only_on_postgres
def test_redirect_url_that_is_not_registered(portal, person):
    portal.sandbox.put_app(DEMO_APP_ID, redirect_urls=["https://elsewhere.example.com/"])
    li_lei = person(portal)
    li_lei.ask()
    expect(li_lei.open("去授权").get_by_test_id("problem-code")).to_have_text("20029")


@only_on_postgres
def test_journey_in_english(portal, person):
    li_lei = person(portal, locale="en-US")
    li_lei.chat.get_by_test_id(f"bot-{DEMO_APP_ID}").click()
    li_lei.ask()
    page = li_lei.open("Authorize")
    page.get_by_test_id("consent-allow").click()
    expect(outcome(page)).to_contain_text("Authorized")
    expect(li_lei.cards.last).to_contain_text("There is nothing else to do")
