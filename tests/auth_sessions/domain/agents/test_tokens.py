"""Codes and refresh tokens work once; whoever shows one a second time ends the agent."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from auth_sessions.domain.agents import tokens
from auth_sessions.enums import AgentEnd
from auth_sessions.models import AgentAccess, AgentConsent, AgentToken, ConnectedAgent
from auth_sessions.retention import overdue
from core.access.models import ApiClient, AuditEntry
from tests.auth_sessions.agents import PlainAgent, person, query_of

pytestmark = pytest.mark.django_db


def refused(answer) -> tuple[int, str]:
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code, answer.json()["error"]


def ended() -> str:
    return ConnectedAgent.objects.get().end


def test_tokens_are_short_and_long(agent, leaks):
    made = agent.connect()
    assert {made["access_token"][4:], made["refresh_token"][4:]} <= set(leaks.secrets)
    assert (made["token_type"], made["expires_in"], made["scope"]) == ("Bearer", 1800, "act")
    assert made["access_token"].startswith("fpa_")
    assert made["refresh_token"].startswith("fpr_")
    assert tokens.agent_of(made["access_token"]) == ConnectedAgent.objects.get()
    AgentToken.objects.update(expires_at=timezone.now())
    assert tokens.agent_of(made["access_token"]) is None
    assert refused(agent.refresh(made["refresh_token"])) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "w" * 64}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:1/callback"}, "invalid_request"),
        ({"code": "another"}, "invalid_grant"),
        ({"resource": "https://other.example/mcp"}, "invalid_target"),
    ],
)
def test_code_is_redeemed_only_as_it_was_asked_for(agent, changes, error):
    code = agent.code()
    assert refused(agent.redeem(**({"code": code} | changes))) == (400, error)
    assert not ConnectedAgent.objects.exists()
    assert agent.redeem(code).status_code == 200


def test_code_is_of_the_agent_that_asked(agent, bot):
    code, other = agent.code(), PlainAgent(bot)
    other.register()
    assert refused(other.redeem(code)) == (400, "invalid_grant")
    assert agent.redeem(code).status_code == 200


def test_code_ends_after_a_minute(agent):
    code = agent.code()
    AgentConsent.objects.update(expires_at=timezone.now())
    assert refused(agent.redeem(code)) == (400, "invalid_grant")


def test_code_that_is_shown_twice_ends_the_agent(agent):
    code = agent.code()
    made = agent.redeem(code).json()
    assert refused(agent.redeem(code)) == (400, "invalid_grant")
    assert ended() == AgentEnd.REUSED
    assert tokens.agent_of(made["access_token"]) is None
    assert refused(agent.refresh(made["refresh_token"])) == (400, "invalid_grant")


def test_refresh_gives_new_ones_and_uses_the_old_one_up(agent):
    first = agent.connect()
    second = agent.refresh(first["refresh_token"]).json()
    third = agent.refresh(second["refresh_token"]).json()
    assert len({made["refresh_token"] for made in (first, second, third)}) == 3
    assert tokens.agent_of(third["access_token"]) is not None


def test_refresh_token_that_is_shown_twice_ends_the_agent(agent):
    first = agent.connect()
    second = agent.refresh(first["refresh_token"]).json()
    assert refused(agent.refresh(first["refresh_token"])) == (400, "invalid_grant")
    assert ended() == AgentEnd.REUSED
    assert tokens.agent_of(second["access_token"]) is None
    assert refused(agent.refresh(second["refresh_token"])) == (400, "invalid_grant")
    entry = AuditEntry.objects.get(action="agent.reused")
    assert (entry.actor, entry.detail) == ("system:portal", {"open_id": "ou_asked"})


def test_two_refreshes_at_one_moment_end_the_agent(agent):
    made = agent.connect()
    found = tokens.find_refresh(made["refresh_token"], client_id=agent.client_id)
    assert tokens.refresh(found) is not None
    assert tokens.refresh(found) is None
    assert ended() == AgentEnd.REUSED


def test_two_redemptions_at_one_moment_make_one_agent(agent):
    found = tokens.find_code(agent.code(), client_id=agent.client_id)
    assert tokens.redeem(found, address="") is not None
    assert tokens.redeem(found, address="") is None
    assert ConnectedAgent.objects.count() == 1


def test_refresh_token_of_another_agent_is_nothing(agent, bot):
    made, other = agent.connect(), PlainAgent(bot)
    other.register()
    assert refused(other.refresh(made["refresh_token"])) == (400, "invalid_grant")
    assert ended() == ""


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_agent_gives_its_tokens_back(agent, kind):
    made = agent.connect()
    answer = agent.post("revoke", token=made[kind], client_secret="")
    assert answer.status_code == 200
    assert ended() == AgentEnd.AGENT
    assert tokens.agent_of(made["access_token"]) is None
    assert not AgentToken.objects.exists()


def test_agent_gives_back_no_token_of_others(agent, bot):
    made, other = agent.connect(), PlainAgent(bot)
    other.register()
    assert other.post("revoke", token=made["access_token"], client_secret="").status_code == 200
    assert agent.post("revoke", token="no-token", client_secret="").status_code == 200
    assert ended() == ""


@pytest.mark.parametrize("endpoint", ["token", "revoke"])
def test_unknown_agents_are_told_so(agent, endpoint):
    agent.client_id = "00000000-0000-4000-8000-000000000000"
    assert agent.post(endpoint, grant_type="refresh_token", refresh_token="x", token="x").status_code == 401
    assert agent.http.post(f"/oauth/agents/{endpoint}/", {"client_id": "x"}).status_code == 400
    assert agent.http.get(f"/oauth/agents/{endpoint}/").status_code == 405


def test_rules_are_those_of_today(agent, access, bot):
    made = agent.connect()["access_token"]
    assert tokens.client_of(made).name == "agents"
    for rows, off in (
        (ApiClient.objects, {"enabled": False}),
        (ApiClient.objects, {"expires_at": timezone.now()}),
        (ApiClient.objects, {"bot_ids": []}),
        (ApiClient.objects, {"scopes": ["auth:create"]}),
        (AgentAccess.objects, {"enabled": False}),
        (AgentAccess.objects, {"client": None}),
    ):
        before = rows.values(*off).get()
        rows.update(**off)
        assert tokens.client_of(made) is None, off
        rows.update(**before)
    assert tokens.client_of(made) is not None


def test_unused_agent_ends_after_a_month(agent):
    agent.connect()
    made = ConnectedAgent.objects.get()
    assert timedelta(days=29) < made.expires_at - timezone.now() <= timedelta(days=30)
    ConnectedAgent.objects.update(expires_at=timezone.now() - timedelta(days=1000))
    assert not ConnectedAgent.objects.live().exists()
    assert overdue()["connected agents"].get() == made


def test_use_is_noted_by_the_minute(agent, django_assert_num_queries):
    made = agent.connect()["access_token"]
    tokens.agent_of(made)
    assert ConnectedAgent.objects.get().last_used_at is not None
    with django_assert_num_queries(1):
        tokens.agent_of(made)


def test_loopback_port_of_the_request_is_where_the_code_goes(agent, bot):
    moved = "http://127.0.0.1:50123/callback"
    back = person(Client(), bot, agent.link(redirect_uri=moved))
    assert back.startswith(f"{moved}?")
    assert agent.redeem(query_of(back)["code"], redirect_uri=moved).status_code == 200
