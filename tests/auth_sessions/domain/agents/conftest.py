from datetime import UTC, datetime

import pytest

from auth_sessions.domain import person_sign_in
from auth_sessions.models import AgentAccess
from auth_sessions.pages.agents import consent, endpoints
from bots.models import Bot
from core.background.pace import PaceOfEach
from tests.auth_sessions.agents import PUBLIC_URL, PlainAgent, Platform, open_access
from tests.factories import make_bot


@pytest.fixture
def bot(settings) -> Bot:
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = PUBLIC_URL, ["testserver"]
    return make_bot(name="Assistant", auth_scopes=["task:task:read"])


@pytest.fixture
def access(bot) -> AgentAccess:
    return open_access(bot, proxy_paths=["GET /open-apis/**"])


@pytest.fixture
def platform(monkeypatch) -> Platform:
    made = Platform()
    monkeypatch.setattr(person_sign_in, "OAuth", lambda _credentials: made)
    return made


@pytest.fixture
def agent(access, platform, bot) -> PlainAgent:
    made = PlainAgent(bot)
    assert made.register().status_code == 201
    return made


@pytest.fixture(autouse=True)
def paces(monkeypatch) -> None:
    """Each test has the paces of a process that has just begun, at a time that stands still."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for module, name in ((consent, "REQUESTS"), (endpoints, "REGISTRATIONS"), (endpoints, "TOKENS")):
        monkeypatch.setattr(module, name, PaceOfEach(getattr(module, name)._pace, clock=lambda: now))
