"""After a restore: every refresh token may have been exchanged since, every card may show another end."""

from datetime import timedelta

import pytest
from django.utils import timezone

from auth_sessions.domain import card_sync, device
from auth_sessions.domain.refresh.claim import claim, mark_sending
from auth_sessions.domain.refresh.refresher import Pass
from auth_sessions.domain.reminders import remind_of_ends
from auth_sessions.domain.restored import (
    destroy_grants,
    end_open_sessions,
    put_grants_in_doubt,
    skip_reminders,
)
from auth_sessions.domain.revocation.service import revoke_later, unfinished_revocations
from auth_sessions.domain.sessions import request_authorization
from auth_sessions.domain.tokens.decision import Use, decide_for_call
from auth_sessions.enums import (
    RefreshOutcome,
    RefreshPhase,
    RevocationState,
    SessionState,
    TokenStatus,
)
from auth_sessions.models import AuthSession, RefreshAttempt, Revocation, UserToken
from core.access.actors import SYSTEM
from feishu.reasons import Reason
from tests.auth_sessions.conftest import oauth_error, token_answer
from tests.factories import make_grant

pytestmark = pytest.mark.django_db


def hours(number: float) -> object:
    return timezone.now() + timedelta(hours=number)


@pytest.fixture
def due(bot) -> UserToken:
    """It was due when the backup was made, and its access token is valid for another hour."""
    return make_grant(bot, next_refresh_at=hours(-1), access_expires_at=hours(1))


def read(grant: UserToken) -> UserToken:
    return UserToken.objects.select_related("bot").get(pk=grant.pk)


def test_access_token_is_served_and_the_refresh_token_not_sent(due, platform):
    assert put_grants_in_doubt() == 1
    assert not Pass().run()
    assert not platform.token.called
    grant = read(due)
    assert isinstance(decide_for_call(grant), Use)
    assert (grant.phase, grant.next_refresh_at) == (RefreshPhase.UNCERTAIN, grant.access_expires_at)
    assert grant.last_reason == Reason.RESTORED


def test_refresh_token_that_was_not_used_since_keeps_its_grant_alive(bot, platform):
    grant = make_grant(bot, next_refresh_at=hours(-2), access_expires_at=hours(-1))
    put_grants_in_doubt()
    platform.token.respond(json=token_answer(2))
    assert Pass().run() == {RefreshOutcome.OK: 1}
    assert (read(grant).phase, read(grant).generation) == (RefreshPhase.IDLE, 2)
    assert RefreshAttempt.objects.get().probe


def test_refresh_token_that_was_used_since_is_sent_once_and_the_person_asked(bot, platform):
    grant = make_grant(bot, access_expires_at=hours(-1))
    put_grants_in_doubt()
    platform.token.mock(return_value=oauth_error(20073))
    assert Pass().run() == {RefreshOutcome.DEAD_USER: 1}
    assert read(grant).status == TokenStatus.NEEDS_REAUTH
    assert not Pass().run()
    assert platform.token.call_count == 1


@pytest.mark.parametrize("is_sent", [False, True])
@pytest.mark.parametrize("was_uncertain", [False, True])
def test_attempt_that_was_under_way_bars_no_probe(bot, platform, is_sent, was_uncertain):
    phase = RefreshPhase.UNCERTAIN if was_uncertain else RefreshPhase.IDLE
    grant = make_grant(bot, next_refresh_at=hours(-1), access_expires_at=hours(-1), phase=phase)
    [taken] = claim(bot, [grant.pk])
    if is_sent:
        assert mark_sending(taken, grant.refresh_token)
    put_grants_in_doubt()
    platform.token.respond(json=token_answer(2))
    assert Pass().run() == {RefreshOutcome.OK: 1}
    assert platform.token.call_count == 1


def test_grants_that_had_ended_stay_as_they_are(bot):
    over = make_grant(bot, status=TokenStatus.NEEDS_REAUTH, next_refresh_at=None, phase=RefreshPhase.STOPPED)
    short = make_grant(bot, open_id="ou_2", refresh_token="", refresh_expires_at=None, next_refresh_at=None)
    assert put_grants_in_doubt() == 0
    assert (read(over).phase, read(short).phase) == (RefreshPhase.STOPPED, RefreshPhase.IDLE)


def test_reminders_that_were_due_are_not_sent_and_later_ones_are(bot, platform):
    ends = timezone.now() + timedelta(days=20)
    active = make_grant(bot, reauthorize_by=ends, next_reminder_at=hours(-1))
    over = make_grant(
        bot, open_id="ou_2", status=TokenStatus.NEEDS_REAUTH, phase=RefreshPhase.STOPPED,
        next_refresh_at=None, next_reminder_at=hours(-1),
    )  # fmt: skip
    assert skip_reminders() == 2
    remind_of_ends()
    assert not AuthSession.objects.exists()
    assert not platform.send.called
    assert read(over).next_reminder_at is None
    assert read(active).next_reminder_at > timezone.now()


def test_open_session_ends_and_its_card_is_left_alone(bot, platform):
    session = request_authorization(bot=bot, open_id="ou_asked", tenant_key="tenant", actor=SYSTEM)
    card_sync.sync_card(session.pk)
    sent = platform.send.call_count
    assert end_open_sessions() == 1
    session.refresh_from_db()
    assert session.state == SessionState.EXPIRED
    assert card_sync.cards_to_sync() == []
    card_sync.sync_card(session.pk)
    assert (platform.send.call_count, platform.patch.called) == (sent, False)
    assert device.codes_to_poll() == []


def test_copy_keeps_no_token_and_withdraws_none_of_the_originals(bot, platform):
    grant = make_grant(bot)
    revoked = make_grant(bot, open_id="ou_2")
    revoke_later(grant=revoked, actor=SYSTEM)
    skip_reminders()
    destroy_grants()
    assert (read(grant).status, read(grant).access_token, read(grant).refresh_token) == (
        TokenStatus.REVOKED,
        "",
        "",
    )
    assert unfinished_revocations() == []
    assert Revocation.objects.get().state == RevocationState.GIVEN_UP
    assert not platform.revoke.called
