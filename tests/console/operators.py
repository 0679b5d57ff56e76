"""Operators of the console: an owner, a stranger, a superuser, each with a browser; and one row of everything."""

import pytest
from django.test import Client

from core.access.actors import SYSTEM
from core.access.api_keys import add_api_client
from core.access.models import ApiClient, User
from core.access.scopes import Scope
from tests.console.rows import Rows, make_rows, signed_in
from tests.factories import make_bot, make_operator

__all__ = [
    "api_client",
    "as_owner",
    "as_stranger",
    "as_superuser",
    "hinted",
    "owner",
    "public_url",
    "rows",
    "stranger",
    "superuser",
]


@pytest.fixture(autouse=True)
def public_url(settings) -> str:
    settings.PUBLIC_URL = "https://portal.test"
    return settings.PUBLIC_URL


@pytest.fixture(autouse=True)
def hinted(monkeypatch) -> list[str]:
    """Hints end in a list instead of a broker."""
    hints: list[str] = []
    monkeypatch.setattr("auth_sessions.notify.notify", lambda _send, session_id: hints.append(session_id))
    return hints


@pytest.fixture
def rows(db) -> Rows:
    return make_rows()


@pytest.fixture
def owner(rows) -> User:
    user = make_operator("owner")
    rows.bot.owners.add(user)
    return user


@pytest.fixture
def stranger(db) -> User:
    """An operator who owns another bot than the one under test."""
    user = make_operator("stranger")
    make_bot(name="Somebody else's").owners.add(user)
    return user


@pytest.fixture
def superuser(db) -> User:
    return make_operator("root", superuser=True)


@pytest.fixture
def api_client(db) -> ApiClient:
    client, _key = add_api_client(
        name="CRM", scopes=[Scope.BOTS_READ], bots=[], expires_at=None, actor=SYSTEM
    )
    return client


@pytest.fixture
def as_owner(owner) -> Client:
    return signed_in(owner)


@pytest.fixture
def as_stranger(stranger) -> Client:
    return signed_in(stranger)


@pytest.fixture
def as_superuser(superuser) -> Client:
    return signed_in(superuser)
