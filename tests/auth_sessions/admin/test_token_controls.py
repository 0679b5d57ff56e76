"""Revoking authorizations, and asking for more, in the console."""

import httpx2
import pytest
import respx
from django.test import Client

from auth_sessions.enums import RevocationState, TokenStatus
from auth_sessions.models import AuthSession, Revocation, UserToken
from core.access.models import AuditEntry
from tests.console.rows import Rows, list_of, make_token, messages_of, page_of
from tests.factories import PLATFORM

TOKENS = "auth_sessions_usertoken"


@pytest.fixture
def platform():
    with respx.mock(base_url=PLATFORM, assert_all_called=False) as router:
        yield router.post("/oauth/v1/revoke").respond(200, content=b"")


def chosen(*tokens: UserToken, **values: str) -> dict[str, object]:
    return {"action": "revoke_chosen", "_selected_action": [str(token.pk) for token in tokens]} | values


def test_revoking_asks_first_and_destroys_the_tokens(rows: Rows, as_owner: Client, platform) -> None:
    page = page_of(TOKENS, rows.token, "revoke")
    assert "destroyed here" in as_owner.get(page).text
    assert not platform.called
    answer = as_owner.post(page, follow=True)
    assert messages_of(answer) == ["The authorization was revoked, at the platform too."]
    rows.token.refresh_from_db()
    assert (rows.token.status, rows.token.refresh_token) == (TokenStatus.REVOKED, "")
    assert AuditEntry.objects.get(action="user_token.revoked").actor == "operator:owner"
    assert "Withdrawn at the platform" in answer.text


def test_withdrawal_that_the_platform_does_not_answer_shows_as_pending(
    rows: Rows, as_owner: Client, platform
) -> None:
    platform.mock(side_effect=httpx2.ConnectError("away"))
    answer = as_owner.post(page_of(TOKENS, rows.token, "revoke"), follow=True)
    assert "has not confirmed yet" in messages_of(answer)[0]
    assert "the-refresh-token" not in answer.text


def test_many_are_revoked_after_one_question(rows: Rows, as_owner: Client, platform) -> None:
    other = make_token(rows.bot)
    asks = as_owner.post(list_of(TOKENS), chosen(rows.token, other))
    assert "Revoke 2 authorizations" in asks.text
    assert not Revocation.objects.exists()
    answer = as_owner.post(list_of(TOKENS), chosen(rows.token, other, sure="yes"), follow=True)
    assert messages_of(answer) == ["2 authorizations were revoked."]
    assert set(UserToken.objects.values_list("status", flat=True)) == {TokenStatus.REVOKED}
    assert set(Revocation.objects.values_list("state", flat=True)) == {RevocationState.PENDING}


def test_stranger_revokes_nothing(rows: Rows, as_stranger: Client, platform) -> None:
    assert as_stranger.post(page_of(TOKENS, rows.token, "revoke")).status_code == 404
    assert as_stranger.post(page_of(TOKENS, rows.token, "ask_for_more")).status_code == 404
    as_stranger.post(list_of(TOKENS), chosen(rows.token, sure="yes"))
    rows.token.refresh_from_db()
    assert rows.token.status == TokenStatus.ACTIVE
    assert not platform.called


def test_missing_scopes_are_shown_and_asked_for(rows: Rows, as_owner: Client) -> None:
    rows.bot.auth_scopes = ["offline_access", "task:task:read"]
    rows.bot.save()
    page, token_page = page_of(TOKENS, rows.token, "ask_for_more"), as_owner.get(page_of(TOKENS, rows.token))
    assert "task:task:read" in token_page.text
    assert page in token_page.text
    assert "task:task:read" in as_owner.get(page).text
    assert messages_of(as_owner.post(page, follow=True)) == ["The card is on its way."]
    session = AuthSession.objects.get(open_id=rows.token.open_id)
    assert (session.added_scopes, session.scopes) == (
        ["task:task:read"],
        ["task:task:read", "offline_access"],
    )


def test_nothing_is_asked_for_where_nothing_is_missing(rows: Rows, as_owner: Client) -> None:
    rows.bot.auth_scopes = rows.token.scopes
    rows.bot.save()
    page = page_of(TOKENS, rows.token, "ask_for_more")
    assert page not in as_owner.get(page_of(TOKENS, rows.token)).text
    answer = as_owner.post(page, follow=True)
    assert messages_of(answer) == ["Nothing is missing."]
