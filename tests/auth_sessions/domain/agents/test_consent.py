"""A person signs in, reads who asks, and answers; nobody is led anywhere else."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from auth_sessions.domain.agents import consent
from auth_sessions.enums import AgentTokenKind
from auth_sessions.models import AgentAccess, AgentConsent, AgentRegistration, AgentToken, ConnectedAgent
from auth_sessions.retention import overdue
from core.access.models import AuditEntry
from tests.auth_sessions.agents import PUBLIC_URL, REDIRECT, PlainAgent, person, query_of
from tests.factories import make_bot, make_grant

pytestmark = pytest.mark.django_db


def begun(browser, agent, **changes):
    return browser.get(agent.link(**changes))


def at_the_page(browser, agent, bot, **changes) -> str:
    """The page that asks, in the browser of a person who signed in."""
    state = query_of(begun(browser, agent, **changes).headers["Location"])["state"]
    return browser.get(f"/oauth/callback/{bot.app_id}/", {"code": "x", "state": state}).headers["Location"]


def test_person_signs_in_at_the_platform_without_giving_the_bot_more(agent, bot):
    answer = begun(Client(), agent)
    address = urlsplit(answer.headers["Location"])
    assert answer.headers["Location"].startswith(bot.addresses.authorize_url)
    query = query_of(answer.headers["Location"])
    assert (query["client_id"], query["code_challenge_method"]) == (bot.app_id, "S256")
    assert "scope" not in query
    assert "own+state" not in address.query
    assert answer.headers["Cache-Control"].startswith("max-age=0")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_page_names_the_agent_its_address_and_what_it_may_do(agent, bot, language):
    browser = Client(headers={"Accept-Language": language})
    page = browser.get(at_the_page(browser, agent, bot))
    text = page.content.decode()
    words = {"en": ("Test agent", "wants to act for you"), "zh-hans": ("Test agent", "代你操作")}[language]
    for word in (*words, "127.0.0.1", "Lin", "GET /open-apis/**", "task:task:read", bot.name):
        assert word in text, word
    assert 'data-testid="incomplete"' in text
    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self' http://127.0.0.1:33418" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["X-Frame-Options"] == "DENY"


def test_page_says_nothing_is_missing_where_nothing_is(agent, bot):
    make_grant(bot, tenant_key="tenant", scopes=["offline_access", *bot.auth_scopes])
    browser = Client()
    assert b'data-testid="incomplete"' not in browser.get(at_the_page(browser, agent, bot)).content


def test_consent_connects_the_agent_once_its_code_is_redeemed(agent, bot):
    back = person(Client(), bot, agent.link())
    assert back.startswith(f"{REDIRECT}?")
    answer = query_of(back)
    assert (answer["state"], answer["iss"]) == ("own state", PUBLIC_URL)
    assert not ConnectedAgent.objects.exists()
    assert agent.redeem(answer["code"]).status_code == 200
    made = ConnectedAgent.objects.get()
    assert (made.bot, made.open_id, made.tenant_key) == (bot, "ou_asked", "tenant")
    assert (made.name, made.redirect_host) == ("Test agent", "127.0.0.1")
    entry = AuditEntry.objects.get(action="agent.connected")
    assert (entry.actor, entry.target, entry.address) == ("user:ou_asked", "Test agent", "127.0.0.1")


def test_decline_tells_the_agent_and_connects_nothing(agent, bot):
    answer = query_of(person(Client(), bot, agent.link(), answer="decline"))
    assert answer == {"error": "access_denied", "state": "own state", "iss": PUBLIC_URL}
    assert not ConnectedAgent.objects.exists()
    assert not AgentConsent.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "00000000-0000-4000-8000-000000000000"},
        {"client_id": "x"},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": "//evil.example"},
        {"redirect_uri": "x" * 600},
        {"redirect_uri": "http://127.0.0.1:1; script-src */callback"},
        {"redirect_uri": "http://["},
        {"response_type": "token"},
        {"response_type": None},
        {"code_challenge": None},
        {"code_challenge": "short"},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"resource": "https://other.example/mcp"},
        {"state": "x" * 2001},
    ],
)
def test_wrong_request_is_said_on_a_page_and_leads_nowhere(agent, changes):
    answer = begun(Client(), agent, **changes)
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert not AgentConsent.objects.exists()


def test_parameter_that_stands_there_twice_is_refused(agent):
    answer = Client().get(f"{agent.link()}&redirect_uri=https://evil.example/")
    assert answer.status_code == 400


def test_resource_and_redirect_may_be_left_out(agent, bot):
    back = person(Client(), bot, agent.link(redirect_uri=None, resource=None, state=None))
    assert "state" not in query_of(back)
    assert (
        agent.post(
            "token", grant_type="authorization_code", code=query_of(back)["code"], code_verifier="v" * 64
        ).json()["scope"]
        == "act"
    )


def test_another_browser_cannot_go_on(agent, bot):
    """Else somebody could connect their agent to another person, or theirs to another agent."""
    own, other = Client(), Client()
    state = query_of(begun(own, agent).headers["Location"])["state"]
    assert other.get(f"/oauth/callback/{bot.app_id}/", {"code": "x", "state": state}).status_code == 400
    page = at_the_page(own, agent, bot)
    assert other.get(page).status_code == 400
    assert other.post(page, {"answer": "allow"}).status_code == 400


def test_state_is_of_its_bot_and_works_once(agent, bot):
    browser = Client()
    state = query_of(begun(browser, agent).headers["Location"])["state"]
    answer = {"code": "x", "state": state}
    assert browser.get(f"/oauth/callback/{make_bot().app_id}/", answer).status_code == 400
    assert browser.get(f"/oauth/callback/{bot.app_id}/", answer).status_code == 302
    assert browser.get(f"/oauth/callback/{bot.app_id}/", answer).status_code == 400


def test_page_is_answered_once_and_in_time(agent, bot):
    browser = Client()
    page = at_the_page(browser, agent, bot)
    assert browser.post(page, {"answer": "allow"}).status_code == 302
    assert browser.post(page, {"answer": "allow"}).status_code == 400
    late = at_the_page(browser, agent, bot)
    AgentConsent.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert browser.post(late, {"answer": "allow"}).status_code == 400
    assert overdue()["requests of agents"].count() == 2


def test_page_is_closed_when_it_is_switched_off_or_leads_through_another_bot(agent, access, bot):
    browser = Client()
    page = at_the_page(browser, agent, bot)
    AgentAccess.objects.update(bot=make_bot())
    assert browser.post(page, {"answer": "allow"}).status_code == 400
    AgentAccess.objects.update(bot=bot, enabled=False)
    assert browser.post(page, {"answer": "allow"}).status_code == 400
    assert begun(browser, agent).status_code == 403


@pytest.mark.parametrize(
    ("answer", "status"), [({"error": "access_denied"}, 200), ({"error": "x"}, 502), ({"code": ""}, 502)]
)
def test_what_the_platform_says_has_a_page(agent, bot, answer, status):
    browser = Client()
    state = query_of(begun(browser, agent).headers["Location"])["state"]
    assert browser.get(f"/oauth/callback/{bot.app_id}/", answer | {"state": state}).status_code == status


def test_person_whom_the_platform_does_not_name_connects_nothing(agent, bot, platform):
    browser = Client()
    platform.person = "boss"
    state = query_of(begun(browser, agent).headers["Location"])["state"]
    answer = browser.get(f"/oauth/callback/{bot.app_id}/", {"code": "x", "state": state})
    assert answer.status_code == 502


def test_form_of_another_site_answers_nothing(agent, bot):
    browser = Client(enforce_csrf_checks=True)
    page = at_the_page(browser, agent, bot)
    assert browser.post(page, {"answer": "allow"}).status_code == 403


def test_requests_are_bounded_by_those_in_which_people_signed_in(agent, bot, monkeypatch):
    monkeypatch.setattr(consent, "MAX_UNDER_WAY", 1)
    browser = Client()
    assert begun(Client(), agent).status_code == 302
    page = at_the_page(browser, agent, bot)  # the first one, in which nobody signed in, gave way
    assert begun(Client(), agent).status_code == 429
    assert browser.post(page, {"answer": "allow"}).status_code == 302
    AgentConsent.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert begun(Client(), agent).status_code == 302
    assert AgentConsent.objects.count() == 1


def test_requests_of_whoever_registered_the_most_give_way(agent, bot, monkeypatch):
    monkeypatch.setattr(consent, "MAX_UNDER_WAY", 3)
    quiet = PlainAgent(bot)
    quiet.register()
    AgentRegistration.objects.filter(pk=quiet.client_id).update(address="192.0.2.1")
    assert begun(Client(), quiet).status_code == 302
    for _ in range(4):
        assert begun(Client(), agent).status_code == 302
    kept = AgentConsent.objects.order_by("expires_at").values_list("registration", flat=True)
    assert [str(pk) for pk in kept] == [quiet.client_id, agent.client_id, agent.client_id]


def test_one_address_asks_so_often_and_no_more(agent):
    answers = [begun(Client(), agent).status_code for _ in range(50)]
    assert answers == [302] * 48 + [429] * 2


def test_no_secret_is_stored(agent, bot):
    tokens = agent.connect()
    consent_row = AgentConsent.objects.get()
    stored = " ".join(str(value) for row in AgentToken.objects.values_list() for value in row)
    assert tokens["access_token"] not in stored
    assert tokens["refresh_token"] not in stored
    assert len(consent_row.code_hash) == len(consent_row.browser_hash) == 64
    assert set(AgentToken.objects.values_list("kind", flat=True)) == set(AgentTokenKind.values)
