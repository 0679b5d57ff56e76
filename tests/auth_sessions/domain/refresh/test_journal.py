"""The journal of attempts: what was sent is known before it is sent, and is never sent blindly again."""

from datetime import timedelta

import httpx2
import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from auth_sessions.domain.refresh.claim import fingerprint
from auth_sessions.enums import RefreshOutcome, RefreshPhase, TokenStatus
from auth_sessions.models import RefreshAttempt, UserToken
from tests.auth_sessions.conftest import oauth_error, token_answer
from tests.auth_sessions.domain.refresh.conftest import make_due, run

pytestmark = pytest.mark.django_db


def test_token_whose_outcome_is_known_is_never_sent_again_though_the_row_forgot_it(grant, platform):
    platform.token.mock(return_value=oauth_error(20073))
    run(grant)
    UserToken.objects.update(status=TokenStatus.ACTIVE, phase=RefreshPhase.UNCERTAIN)
    make_due(grant)
    assert run(grant) == RefreshOutcome.DEAD_USER
    assert (grant.status, grant.last_code, platform.token.call_count) == (TokenStatus.NEEDS_REAUTH, 20073, 1)


def test_journal_knows_a_token_after_the_secret_key_was_changed(grant, platform, settings):
    platform.token.mock(return_value=oauth_error(20073))
    run(grant)
    settings.SECRET_KEY = "another"
    UserToken.objects.update(status=TokenStatus.ACTIVE, phase=RefreshPhase.IDLE)
    make_due(grant)
    run(grant)
    assert platform.token.call_count == 1


def test_two_probes_of_one_token_are_not_under_way_at_once(grant):
    now = timezone.now()
    probe = {"token": grant, "generation": 1, "sent_at": now, "fingerprint": "same", "probe": True}
    RefreshAttempt.objects.create(**probe, outcome=RefreshOutcome.UNCERTAIN)
    RefreshAttempt.objects.create(**probe)
    with pytest.raises(IntegrityError), transaction.atomic():
        RefreshAttempt.objects.create(**probe)


def test_token_that_the_journal_knows_is_asked_about_once_and_never_sent_blindly(grant, platform):
    RefreshAttempt.objects.create(
        token=grant,
        generation=1,
        sent_at=timezone.now(),
        fingerprint=fingerprint("refresh-token-1"),
        outcome=RefreshOutcome.UNCERTAIN,
    )
    platform.token.mock(return_value=oauth_error(20073))
    run(grant)
    assert (grant.phase, platform.token.call_count) == (RefreshPhase.UNCERTAIN, 0)
    make_due(grant)
    assert run(grant) == RefreshOutcome.DEAD_USER
    make_due(grant)
    run(grant)
    assert platform.token.call_count == 1


def test_database_refuses_a_second_submission_of_the_same_refresh_token(grant):
    now = timezone.now()
    RefreshAttempt.objects.create(
        token=grant, generation=1, sent_at=now, fingerprint="same", outcome=RefreshOutcome.UNCERTAIN
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        RefreshAttempt.objects.create(token=grant, generation=1, sent_at=now, fingerprint="same")
    RefreshAttempt.objects.create(token=grant, generation=1, sent_at=now, fingerprint="same", probe=True)


def test_journal_holds_no_token(grant, platform):
    platform.token.respond(json=token_answer(2))
    run(grant)
    attempt = RefreshAttempt.objects.get()
    assert attempt.fingerprint
    assert "refresh-token" not in str(vars(attempt))


def test_probe_of_a_worker_that_died_before_sending_it_is_still_a_probe(grant, platform):
    platform.token.mock(side_effect=[httpx2.ReadTimeout("slow"), httpx2.Response(200, json=token_answer(2))])
    run(grant)
    make_due(grant)
    died = RefreshAttempt.objects.create(token=grant, generation=grant.generation, probe=True)
    UserToken.objects.update(
        phase=RefreshPhase.CLAIMED, claim_id=died.pk, lease_until=timezone.now() - timedelta(seconds=1)
    )
    assert run(grant) == RefreshOutcome.OK
    assert RefreshAttempt.objects.get(outcome=RefreshOutcome.OK).probe
