from datetime import timedelta

import httpx2
import pytest
from django.utils import timezone

from auth_sessions.domain.refresh.refresher import Pass
from auth_sessions.domain.refresh.revival import RefreshNow, refresh_now
from auth_sessions.domain.reminders import remind_of_ends
from auth_sessions.enums import RefreshOutcome, RefreshPhase, TokenStatus
from auth_sessions.models import RefreshAttempt, UserToken
from core.access.actors import SYSTEM
from core.access.models import AuditEntry
from tests.auth_sessions.conftest import oauth_error, token_answer
from tests.factories import make_grant

pytestmark = pytest.mark.django_db

STOPPED = {"status": TokenStatus.NEEDS_REAUTH, "phase": RefreshPhase.STOPPED, "next_refresh_at": None}


def ago(hours: float):
    return timezone.now() - timedelta(hours=hours)


def in_(hours: float):
    return ago(-hours)


def test_grant_that_was_given_up_without_a_verdict_is_probed_and_lives(bot, platform):
    grant = make_grant(bot, **STOPPED, access_expires_at=ago(1), last_outcome=RefreshOutcome.UNCERTAIN)
    assert refresh_now(grant, actor=SYSTEM) == RefreshNow.DUE
    platform.token.mock(return_value=httpx2.Response(200, json=token_answer(2)))
    Pass().run()
    grant.refresh_from_db()
    assert (grant.status, grant.phase, grant.access_token) == (
        TokenStatus.ACTIVE,
        RefreshPhase.IDLE,
        "access-token-2",
    )
    assert RefreshAttempt.objects.get().probe
    assert AuditEntry.objects.get(action="user_token.revived").target == grant.open_id
    assert remind_of_ends() == 0


def test_valid_access_token_is_waited_for(bot):
    grant = make_grant(bot, **STOPPED)
    assert refresh_now(grant, actor=SYSTEM) == RefreshNow.LATER
    grant.refresh_from_db()
    assert (grant.status, grant.next_refresh_at) == (TokenStatus.ACTIVE, grant.access_expires_at)
    assert not UserToken.objects.due().exists()


def test_refresh_token_that_the_platform_refused_is_not_sent_again(bot, platform):
    grant = make_grant(bot, access_expires_at=ago(1), next_refresh_at=ago(1))
    platform.token.mock(return_value=oauth_error(20073))
    Pass().run()
    assert refresh_now(grant, actor=SYSTEM) == RefreshNow.REFUSED
    UserToken.objects.update(last_outcome="")
    assert refresh_now(grant, actor=SYSTEM) == RefreshNow.REFUSED
    assert UserToken.objects.get().status == TokenStatus.NEEDS_REAUTH


@pytest.mark.parametrize(
    "values",
    [
        STOPPED | {"refresh_token": ""},
        STOPPED | {"refresh_expires_at": ago(1)},
        STOPPED | {"refresh_expires_at": None, "reauthorize_by": ago(1)},
        STOPPED | {"status": TokenStatus.REVOKED, "access_token": "", "refresh_token": ""},
        {"refresh_token": "", "next_refresh_at": None},
    ],
)
def test_what_cannot_be_refreshed_stays_as_it_is(bot, values):
    grant = make_grant(bot, **values)
    assert refresh_now(grant, actor=SYSTEM) == RefreshNow.OVER
    assert not UserToken.objects.due().exists()


@pytest.mark.parametrize("phase", [RefreshPhase.CLAIMED, RefreshPhase.SENDING])
def test_refresh_that_is_under_way_is_left_alone(bot, phase):
    grant = make_grant(bot, phase=phase, claim_id="0" * 32, lease_until=in_(1))
    assert refresh_now(grant, actor=SYSTEM) == RefreshNow.UNDER_WAY


@pytest.mark.parametrize(
    "values",
    [
        {"next_refresh_at": in_(20)},
        {"next_refresh_at": ago(1), "next_attempt_at": in_(1), "attempts": 5},
        {
            "phase": RefreshPhase.UNCERTAIN,
            "access_expires_at": ago(1),
            "next_refresh_at": in_(1),
            "attempts": 5,
        },
    ],
)
def test_pauses_are_cut_short(bot, values, no_broker):
    grant = make_grant(bot, **values)
    assert refresh_now(grant, actor=SYSTEM) == RefreshNow.DUE
    assert UserToken.objects.due().get() == grant


def test_uncertain_refresh_waits_for_the_end_of_the_access_token(bot):
    grant = make_grant(bot, phase=RefreshPhase.UNCERTAIN, next_refresh_at=in_(2))
    assert refresh_now(grant, actor=SYSTEM) == RefreshNow.LATER
    assert not UserToken.objects.due().exists()
