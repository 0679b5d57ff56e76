from datetime import timedelta

import pytest
from django.utils import timezone

from auth_sessions.domain.refresh import gate
from auth_sessions.domain.tokens.decision import (
    Reauthorize,
    ReauthorizeReason,
    Refresh,
    Use,
    decide,
    decide_for_call,
)
from auth_sessions.enums import RefreshPhase, TokenStatus
from bots.errors import BotDisabledError
from tests.factories import make_bot, make_grant

pytestmark = pytest.mark.django_db

MIN_TTL = timedelta(seconds=120)
DEAD = {"status": TokenStatus.NEEDS_REAUTH, "phase": RefreshPhase.STOPPED, "next_refresh_at": None}
REVOKED = {
    "status": TokenStatus.REVOKED,
    "phase": RefreshPhase.STOPPED,
    "access_token": "",
    "refresh_token": "",
    "next_refresh_at": None,
}


def grant_ending_in(seconds: float, **values):
    return make_grant(make_bot(), access_expires_at=timezone.now() + timedelta(seconds=seconds), **values)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"phase": RefreshPhase.UNCERTAIN},
        {"attempts": 5, "last_outcome": "not_sent", "next_attempt_at": timezone.now() + timedelta(hours=1)},
        {"refresh_token": ""},
        DEAD,
    ],
)
def test_token_that_lasts_is_used_whatever_became_of_its_refresh(values):
    grant = grant_ending_in(200, **values)
    assert decide(grant, min_ttl=MIN_TTL) == decide_for_call(grant) == Use(grant)


@pytest.mark.parametrize("phase", [RefreshPhase.IDLE, RefreshPhase.UNCERTAIN])
def test_token_that_does_not_last_is_refreshed(phase):
    grant = grant_ending_in(100, phase=phase)
    assert decide(grant, min_ttl=MIN_TTL) == Refresh(grant)


IN_AN_HOUR = timezone.now() + timedelta(hours=1)


@pytest.mark.parametrize(
    "values",
    [
        {"phase": RefreshPhase.UNCERTAIN, "next_refresh_at": IN_AN_HOUR},
        {"phase": RefreshPhase.UNCERTAIN, "next_refresh_at": timezone.now(), "next_attempt_at": IN_AN_HOUR},
        {"phase": RefreshPhase.IDLE, "next_refresh_at": timezone.now(), "next_attempt_at": IN_AN_HOUR},
    ],
)
def test_refresh_that_is_postponed_says_until_when(values):
    decision = decide(grant_ending_in(-1, **values), min_ttl=MIN_TTL)
    assert isinstance(decision, Refresh)
    assert decision.postponed_until == IN_AN_HOUR


@pytest.mark.parametrize("phase", [RefreshPhase.IDLE, RefreshPhase.UNCERTAIN])
def test_refresh_that_is_due_is_not_postponed(phase):
    decision = decide(grant_ending_in(-1, phase=phase, next_refresh_at=timezone.now()), min_ttl=MIN_TTL)
    assert decision.postponed_until is None


def test_refresh_of_a_paused_app_is_postponed_until_its_next_probe():
    grant = grant_ending_in(-1)
    gate.pause(grant.bot, code=20002, log_id="")
    assert decide(grant, min_ttl=MIN_TTL).postponed_until > timezone.now() + timedelta(minutes=4)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"refresh_token": ""}, ReauthorizeReason.EXPIRED),
        (DEAD, ReauthorizeReason.NEEDS_REAUTH),
        (REVOKED, ReauthorizeReason.REVOKED),
    ],
)
def test_where_no_refresh_helps_the_person_is_asked_again(values, reason):
    grant = grant_ending_in(-1, **values)
    assert decide(grant, min_ttl=MIN_TTL) == decide_for_call(grant) == Reauthorize(grant, reason)


def test_revoked_grant_serves_nobody_though_its_time_is_not_over():
    assert isinstance(decide_for_call(grant_ending_in(3600, **REVOKED)), Reauthorize)


@pytest.mark.parametrize("values", [{}, DEAD])
def test_call_is_sent_with_a_token_that_ends_within_seconds(values):
    grant = grant_ending_in(5, **values)
    assert decide_for_call(grant) == Use(grant, ends_soon=True)
    assert not isinstance(decide(grant, min_ttl=MIN_TTL), Use)


def test_nobody_acts_by_a_disabled_bot():
    grant = make_grant(make_bot(enabled=False))
    for decision in (decide_for_call, lambda grant: decide(grant, min_ttl=MIN_TTL)):
        with pytest.raises(BotDisabledError):
            decision(grant)
