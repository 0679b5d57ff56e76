"""Anybody may register, within bounds, and is sent people only where they can be sent safely."""

from datetime import timedelta

import pytest
from django.utils import timezone

from auth_sessions.domain.agents import registration
from auth_sessions.domain.agents.registration import is_registered
from auth_sessions.models import AgentAccess, AgentRegistration
from auth_sessions.retention import overdue
from tests.auth_sessions.agents import REDIRECT, PlainAgent

pytestmark = pytest.mark.django_db


def test_program_gets_an_id_and_no_secret(agent):
    answer = agent.register(token_endpoint_auth_method="client_secret_post", scope="openid everything").json()
    assert "client_secret" not in answer
    assert (answer["token_endpoint_auth_method"], answer["scope"]) == ("none", "act")
    assert answer["client_id"] == str(AgentRegistration.objects.latest("registered_at").pk)


@pytest.mark.parametrize(
    "odd",
    [
        {"logo_uri": "/icon.png"},
        {"client_uri": "no address"},
        {"application_type": "browser"},
        {"application_type": None},
        {"grant_types": None},
        {"grant_types": ["authorization_code"]},
        {"grant_types": ["refresh_token"]},
        {"response_types": None},
        {"contacts": "a@example.com"},
        {"software_version": 1.5},
        {"client_name": None},
        {"token_endpoint_auth_method": "private_key_jwt"},
    ],
)
def test_what_does_not_count_is_no_reason_to_refuse(agent, odd):
    """RFC 7591, 2: what a server does not understand it ignores."""
    assert agent.register(**odd).status_code == 201


@pytest.mark.parametrize(
    "uri",
    [
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "com.example.app:/callback",
        "http://example.com/callback",
        "http://127.0.0.1.example.com/",
        "http://localhost@example.com/",
        "https://user@example.com/",
        "https://example.com/#fragment",
        "https://example.com/ x",
        "https://example.com/<script>",
        "https:///path",
        "https://example.com:port/",
        "https://example.com;script-src/",
        "http://127.0.0.1:1;x/callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "cursor://callback",
        "file:///etc/passwd",
        "https://例子.example/",
        "https://example.com/" + "x" * 500,
        "no address",
    ],
)
def test_people_are_sent_only_to_https_and_to_their_own_machine(agent, uri):
    before = AgentRegistration.objects.count()
    answer = agent.register(uri)
    if answer.status_code == 201:  # written by the SDK in a form that is safe
        [kept] = AgentRegistration.objects.latest("registered_at").redirect_uris
        registration.check_redirect(kept)
        assert kept != uri
        return
    assert answer.status_code == 400
    assert answer.json()["error"] in {"invalid_redirect_uri", "invalid_client_metadata"}
    assert AgentRegistration.objects.count() == before


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        (REDIRECT, True),
        ("http://127.0.0.1:9/callback", True),
        ("http://127.0.0.1/callback", True),
        ("http://localhost:33418/callback", False),
        ("http://127.0.0.1:33418/callback/", False),
        ("http://127.0.0.1:33418/callback?x=1", False),
        ("https://127.0.0.1:33418/callback", False),
        ("http://127.0.0.1.example.com:33418/callback", False),
        ("http://127.0.0.1@example.com/callback", False),
        ("https://agent.example.com/back", True),
        ("https://agent.example.com:444/back", False),
        ("https://agent.example.com/back/../other", False),
        ("https://agent.example.com.evil.example/back", False),
        ("http://127.0.0.1:1;script-src/callback", False),
        ("http://127.0.0.1:99999/callback", False),
        ("http://[/callback", False),
        ("", False),
        ("HTTP://127.0.0.1:9/callback", True),
        ("https://Agent.Example.com/back", True),
        ("https://agent.example.com/Back", False),
        ("https://root.example.com", True),
        ("https://root.example.com/", True),
        ("https://root.example.com//", False),
        ("https://root.example.com/?x=1", False),
        ("http://localhost:7", True),
        ("http://localhost:7/", True),
    ],
)
def test_addresses_match_exactly_but_for_the_port_of_the_own_machine(asked, known):
    others = ["https://agent.example.com/back", "https://root.example.com", "http://localhost/"]
    row = AgentRegistration(redirect_uris=[REDIRECT, *others])
    assert is_registered(row, asked) is known


def test_name_is_shown_on_one_line_and_turns_no_text(agent):
    agent.register(client_name="Claude\u202e\n  Code\x07" + "x" * 100)
    name = AgentRegistration.objects.latest("registered_at").name
    assert name.startswith("Claude Codexxx")
    assert len(name) == 60


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"redirect_uris": []}', b"[" * 9000, b'{"redirect_uris": 7}']
)
def test_what_is_no_registration_is_refused_in_words(agent, body):
    answer = agent.http.post("/oauth/agents/register/", body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


def test_bodies_and_kinds_are_bounded(agent):
    long = agent.register(client_name="x" * 20_000)
    assert (long.status_code, long.json()["error"]) == (413, "invalid_request")
    answer = agent.http.post("/oauth/agents/register/", {"client_name": "x"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_one_address_registers_so_often_and_no_more(agent):
    assert [agent.register().status_code for _ in range(19)] == [201] * 19
    refused = agent.register()
    assert (refused.status_code, refused.json()["error"]) == (429, "temporarily_unavailable")
    assert refused.headers["Retry-After"] == "31"


def test_unused_registrations_are_bounded_and_pruned(agent, monkeypatch):
    monkeypatch.setattr(registration, "MAX_UNUSED", 2)
    agent.connect()
    assert [agent.register().status_code for _ in range(3)] == [201] * 3
    assert registration.unused().count() == 2
    assert AgentRegistration.objects.count() == 3  # what is used is not counted, and gives way to nobody
    AgentRegistration.objects.update(registered_at=timezone.now() - timedelta(days=2))
    assert overdue()["registrations of agents"].count() == 2


def test_one_address_shuts_out_nobody(access, monkeypatch, caplog):
    """Where it has filled what all share, its own oldest gives way, to others and to itself."""
    monkeypatch.setattr(registration, "MAX_UNUSED", 5)

    def registers(address: str) -> AgentRegistration:
        return registration.register(name="Agent", redirect_uris=[REDIRECT], address=address)

    person = registers("198.51.100.7")
    greedy = [registers(f"2001:db8:1:{number}::1") for number in range(4)]
    others = [registers("192.0.2.1"), registers("192.0.2.2")]
    assert [line.message for line in caplog.records].count("agent_registrations_full") == 2
    greedy.append(registers("2001:db8:1:9::1"))
    left = set(AgentRegistration.objects.values_list("pk", flat=True))
    assert left == {one.pk for one in (person, *greedy[3:], *others)}


def test_nobody_registers_while_it_is_off(access, bot):
    AgentAccess.objects.update(enabled=False)
    assert PlainAgent(bot).register().status_code == 404
    assert not AgentRegistration.objects.exists()
