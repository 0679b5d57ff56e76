from datetime import timedelta

import httpx2
import pytest
from cryptography.fernet import Fernet
from django.test import override_settings
from django.utils import timezone

from auth_sessions.domain.refresh.claim import claim, mark_sending
from auth_sessions.domain.refresh.commit import commit
from auth_sessions.domain.refresh.recovery import recover
from auth_sessions.domain.refresh.refresher import Pass, due_grants
from auth_sessions.enums import RefreshOutcome, RefreshPhase, TokenStatus
from auth_sessions.models import RefreshAttempt, UserToken
from bots.models import Bot
from core.vault.fields import encrypted_field
from tests.auth_sessions.conftest import oauth_error, token_answer
from tests.auth_sessions.domain.refresh.conftest import make_due, run
from tests.factories import make_grant

pytestmark = pytest.mark.django_db


def test_due_grant_gets_a_new_pair(grant, platform):
    platform.token.respond(json=token_answer(2))
    assert run(grant) == RefreshOutcome.OK
    assert (grant.access_token, grant.refresh_token, grant.generation) == (
        "access-token-2",
        "refresh-token-2",
        2,
    )
    assert grant.phase == RefreshPhase.IDLE
    assert grant.next_refresh_at > timezone.now() + timedelta(minutes=50)


def test_absurd_lifetime_is_cut_and_the_pair_kept(grant, platform):
    platform.token.respond(json=token_answer(2, expires_in=10**15, refresh_token_expires_in=10**15))
    assert run(grant) == RefreshOutcome.OK
    assert grant.access_token == "access-token-2"


def test_grant_that_is_not_due_is_left_alone(bot, platform):
    assert run(make_grant(bot)) is None
    assert not platform.token.called


def test_grants_that_end_first_come_first(bot):
    past, now = timezone.now() - timedelta(minutes=1), timezone.now()
    later = make_grant(bot, open_id="ou_1", next_refresh_at=past, access_expires_at=now + timedelta(hours=1))
    sooner = make_grant(
        bot, open_id="ou_2", next_refresh_at=past, access_expires_at=now + timedelta(minutes=1)
    )
    assert due_grants(bot, 10) == [sooner.pk, later.pk]


def test_claimed_grant_is_nobody_elses(grant, platform):
    UserToken.objects.update(
        phase=RefreshPhase.CLAIMED, claim_id=grant.pk, lease_until=timezone.now() + timedelta(seconds=45)
    )
    assert run(grant) is None


def test_token_that_may_have_been_sent_is_claimed_by_nobody(grant):
    UserToken.objects.update(
        phase=RefreshPhase.SENDING, claim_id=grant.pk, lease_until=timezone.now() - timedelta(seconds=1)
    )
    assert due_grants(grant.bot, 10) == []
    assert claim(grant.bot, [grant.pk]) == []


def test_claim_that_another_has_taken_over_sends_nothing(grant):
    [slow] = claim(grant.bot, [grant.pk])
    UserToken.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    [other] = claim(grant.bot, [grant.pk])
    assert not mark_sending(slow, "refresh-token-1")
    assert not RefreshAttempt.objects.exclude(sent_at=None).exists()
    assert mark_sending(other, "refresh-token-1")


def test_claim_of_a_dead_worker_is_taken_over(grant, platform):
    UserToken.objects.update(
        phase=RefreshPhase.CLAIMED, claim_id=grant.pk, lease_until=timezone.now() - timedelta(seconds=1)
    )
    assert run(grant) == RefreshOutcome.OK


@pytest.mark.parametrize("code", [20026, 20037, 20064, 20073, 20008, 20066])
def test_refusal_for_this_person_asks_for_a_new_consent_and_keeps_the_access_token(grant, platform, code):
    platform.token.mock(return_value=oauth_error(code))
    assert run(grant) == RefreshOutcome.DEAD_USER
    assert (grant.status, grant.last_code, grant.access_token) == (
        TokenStatus.NEEDS_REAUTH,
        code,
        "access-token-1",
    )
    make_due(grant)
    assert run(grant) is None


def test_refresher_that_died_while_sending_leaves_an_unknown_outcome(grant, platform):
    attempt = RefreshAttempt.objects.create(
        token=grant, generation=1, sent_at=timezone.now(), fingerprint="f"
    )
    UserToken.objects.update(
        phase=RefreshPhase.SENDING, claim_id=attempt.pk, lease_until=timezone.now() - timedelta(seconds=1)
    )
    recover()
    grant.refresh_from_db()
    assert grant.phase == RefreshPhase.UNCERTAIN
    assert RefreshAttempt.objects.get().outcome == RefreshOutcome.UNCERTAIN


@pytest.mark.parametrize("number", [200, 400], ids=["new tokens", "a refusal"])
def test_new_consent_during_a_refresh_wins_over_its_late_answer(grant, platform, monkeypatch, number):
    platform.token.mock(
        return_value=httpx2.Response(200, json=token_answer(9)) if number == 200 else oauth_error(20073)
    )

    def commit_after_consent(*args, **kwargs):
        later = timezone.now() + timedelta(hours=1)
        UserToken.objects.update(generation=7, phase=RefreshPhase.IDLE, claim_id=None, next_refresh_at=later)
        return commit(*args, **kwargs)

    monkeypatch.setattr("auth_sessions.domain.refresh.refresher.commit", commit_after_consent)
    assert run(grant) == RefreshOutcome.SUPERSEDED
    assert (grant.generation, grant.access_token, grant.status) == (7, "access-token-1", TokenStatus.ACTIVE)
    assert RefreshAttempt.objects.get().outcome == RefreshOutcome.SUPERSEDED


def test_tokens_that_come_after_the_lease_still_count(grant, platform, monkeypatch):
    platform.token.respond(json=token_answer(2))

    def commit_late(*args, **kwargs):
        UserToken.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        recover()
        assert UserToken.objects.get().phase == RefreshPhase.UNCERTAIN
        return commit(*args, **kwargs)

    monkeypatch.setattr("auth_sessions.domain.refresh.refresher.commit", commit_late)
    assert run(grant) == RefreshOutcome.OK
    assert (grant.access_token, grant.phase) == ("access-token-2", RefreshPhase.IDLE)
    assert RefreshAttempt.objects.get().outcome == RefreshOutcome.OK


KEPT = {
    "none": {"refresh_token": "", "refresh_token_expires_in": 0},
    "none, but an end": {"refresh_token": None},
    "the same": {"refresh_token": "refresh-token-1"},
}


@pytest.mark.parametrize("values", KEPT.values(), ids=KEPT)
@pytest.mark.parametrize("phase", [RefreshPhase.IDLE, RefreshPhase.UNCERTAIN])
def test_answer_without_a_new_refresh_token_keeps_the_old_one(grant, platform, values, phase):
    end = grant.refresh_expires_at
    UserToken.objects.update(phase=phase)
    platform.token.respond(json=token_answer(2, **values))
    assert run(grant) == RefreshOutcome.OK
    assert (grant.access_token, grant.refresh_token) == ("access-token-2", "refresh-token-1")
    assert abs(grant.refresh_expires_at - end) < timedelta(minutes=1)
    assert timedelta(minutes=50) < grant.next_refresh_at - timezone.now() < timedelta(minutes=70)
    platform.token.respond(json=token_answer(3))
    make_due(grant)
    assert run(grant) == RefreshOutcome.OK
    assert not RefreshAttempt.objects.get(generation=2).probe
    assert (grant.refresh_token, grant.generation) == ("refresh-token-3", 3)


def test_idle_grant_is_refreshed_daily_and_one_in_use_at_half_of_its_life(bot, platform):
    platform.token.respond(json=token_answer(2))
    now = timezone.now()
    due = {"next_refresh_at": now - timedelta(seconds=1)}
    idle = make_grant(bot, open_id="ou_idle", used_at=now - timedelta(hours=7), **due)
    used = make_grant(bot, open_id="ou_used", refresh_token="refresh-token-of-another", **due)
    Pass().run()
    idle.refresh_from_db()
    used.refresh_from_db()
    assert timedelta(hours=21) < idle.next_refresh_at - now < timedelta(hours=27)
    assert timedelta(minutes=50) < used.next_refresh_at - now < timedelta(minutes=70)


def test_keep_alive_never_waits_past_half_of_the_refresh_tokens_life(grant, platform):
    UserToken.objects.update(used_at=None)
    platform.token.respond(json=token_answer(2, refresh_token_expires_in=6 * 3600))
    run(grant)
    assert grant.next_refresh_at < timezone.now() + timedelta(hours=4)


def test_grants_are_refreshed_with_a_constant_number_of_queries_each(
    bot, platform, django_assert_max_num_queries
):
    platform.token.respond(json=token_answer(2))
    past = timezone.now() - timedelta(seconds=1)
    for number in range(8):
        make_grant(bot, open_id=f"ou_{number}", refresh_token=f"refresh-{number}", next_refresh_at=past)
    with django_assert_max_num_queries(8 * 18 + 20):
        assert Pass().run() == {RefreshOutcome.OK: 8}


def test_access_that_cannot_be_refreshed_ends_in_a_new_consent(bot):
    over = timezone.now() - timedelta(seconds=1)
    grant = make_grant(
        bot,
        refresh_token="",
        next_refresh_at=None,
        access_expires_at=over,
        next_reminder_at=over + timedelta(days=335),
    )
    recover()
    grant.refresh_from_db()
    assert (grant.status, grant.next_reminder_at) == (TokenStatus.NEEDS_REAUTH, None)


def test_app_secret_that_does_not_open_costs_no_grant(grant, platform):
    with override_settings(ENCRYPTION_KEYS=[Fernet.generate_key().decode()]):
        foreign = encrypted_field(Bot, "app_secret").seal_for(grant.bot, "app-secret")
    Bot.objects.update(app_secret=foreign)
    run(grant)
    assert not platform.token.called
    assert (grant.phase, grant.status, grant.last_outcome) == (
        RefreshPhase.IDLE,
        TokenStatus.ACTIVE,
        RefreshOutcome.NOT_SENT,
    )
    Bot.objects.update(app_secret=encrypted_field(Bot, "app_secret").seal_for(grant.bot, "app-secret"))
    make_due(grant)
    assert run(grant) == RefreshOutcome.OK
