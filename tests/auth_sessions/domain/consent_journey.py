"""The person's way through a consent, step by step."""

from urllib.parse import parse_qs, urlsplit

from django.test import Client

from auth_sessions.domain.sessions import authorize_link
from auth_sessions.enums import SessionState
from auth_sessions.models import AuthSession, UserToken


def path_of(session: AuthSession) -> str:
    return urlsplit(authorize_link(session)).path


BY_HAND = {"Sec-Fetch-User": "?1"}


def visit(session: AuthSession, client: Client):
    """The headers of a browser that a person navigates."""
    return client.get(path_of(session), headers=BY_HAND)


def open_link(session: AuthSession, client: Client) -> dict[str, str]:
    """Open the link as the person would; returns the query of the consent page."""
    response = visit(session, client)
    assert response.status_code == 302
    return {name: values[0] for name, values in parse_qs(urlsplit(response["Location"]).query).items()}


def come_back(session: AuthSession, client: Client, *, language: str = "en", app_id: str = "", **query: str):
    path = f"/oauth/callback/{app_id or session.bot.app_id}/"
    return client.get(path, query, headers={"Accept-Language": language})


def assert_ended(session: AuthSession, state: SessionState, reason: str = "") -> None:
    session.refresh_from_db()
    assert (session.state, session.reason) == (state, reason)
    if state != SessionState.AUTHORIZED:
        assert not UserToken.objects.exists()
