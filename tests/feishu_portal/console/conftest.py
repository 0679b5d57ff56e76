import pytest
from django.test import Client

from feishu_portal.access.actors import SYSTEM
from feishu_portal.access.api_keys import add_api_client
from feishu_portal.access.models import ApiClient, User
from feishu_portal.access.scopes import Scope
from tests.factories import make_bot, make_operator
from tests.feishu_portal.console.rows import Rows, make_rows, signed_in


@pytest.fixture(autouse=True)
def public_url(settings) -> str:
    settings.PUBLIC_URL = "https://portal.test"
    return settings.PUBLIC_URL


@pytest.fixture(autouse=True)
def hinted(monkeypatch) -> list[str]:
    """Hints end in a list instead of a broker."""
    hints: list[str] = []
    monkeypatch.setattr("auth_sessions.hints.send_hint", lambda _send, session_id: hints.append(session_id))
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
        name="CRM", scopes=[Scope.BOTS_READ], app_ids=[], expires_at=None, actor=SYSTEM
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
