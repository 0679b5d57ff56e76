"""Storing the result of a submission in one transaction, once, however often `commit` is called.

New tokens are fenced by the generation alone: a late answer counts even after its lease, and a new consent beats it.
Every other result is fenced by the claim.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, DateTimeField, F, Value, When
from django.utils import timezone

from auth_sessions.domain.refresh import gate
from auth_sessions.domain.refresh.claim import Claim
from auth_sessions.domain.refresh.outcomes import SubmissionResult
from auth_sessions.domain.refresh.schedule import lifetimes, next_reminder, probe_time
from auth_sessions.domain.revocation.service import withdraw_late_answer
from auth_sessions.enums import RefreshOutcome, RefreshPhase, TokenStatus
from auth_sessions.models import RefreshAttempt, UserToken
from core.access import audit
from core.access.actors import SYSTEM
from core.background.retry import RetrySchedule
from core.database.text import storable
from core.vault.fields import encrypted_field
from feishu.codes import Category, explain
from feishu.oauth import TokenSet

logger = logging.getLogger(__name__)

RETRIES = RetrySchedule((5, 30, 120, 600, 1800))
SHORTEST_PAUSE = timedelta(seconds=5)


def commit(claim: Claim, result: SubmissionResult, *, asked_at: datetime) -> RefreshOutcome | None:
    """Store the result; None when one was stored before. Only an unknown outcome may be replaced by a known one."""
    grant = claim.grant
    with transaction.atomic():
        journal = RefreshAttempt.objects.filter(
            pk=claim.attempt.pk, outcome__in=("", RefreshOutcome.UNCERTAIN)
        )
        if not journal.update(finished_at=timezone.now()):
            return None
        outcome = result.outcome if _apply(claim, result, asked_at=asked_at) else RefreshOutcome.SUPERSEDED
        if outcome == RefreshOutcome.SUPERSEDED and result.outcome == RefreshOutcome.UNCERTAIN:
            outcome = RefreshOutcome.UNCERTAIN  # no tokens came that could have been overtaken
        if outcome == RefreshOutcome.SUPERSEDED and result.tokens is not None:
            withdraw_late_answer(grant=grant, tokens=result.tokens)
        journal.update(outcome=outcome, code=result.code, log_id=storable(result.log_id, 128))
        _update_gate(claim, result)
    logger.info(
        "token_refresh",
        extra={
            "grant": str(grant.pk),
            "generation": grant.generation,
            "probe": claim.attempt.probe,
            "outcome": outcome.value,
            "platform_code": result.code,
            "log_id": result.log_id,
        },
    )
    return outcome


def _apply(claim: Claim, result: SubmissionResult, *, asked_at: datetime) -> bool:
    if result.outcome == RefreshOutcome.OK and result.tokens is not None:
        return _store(claim, result.tokens, asked_at=asked_at)
    if result.outcome == RefreshOutcome.DEAD_USER:
        return stop(claim, result)
    if result.outcome == RefreshOutcome.UNCERTAIN:
        return stop(claim, result) if claim.attempt.probe else _await_probe(claim, result)
    return _schedule_retry(claim, result)


def _update_gate(claim: Claim, result: SubmissionResult) -> None:
    bot = claim.grant.bot
    if result.outcome == RefreshOutcome.DEAD_APP:
        gate.pause(bot, code=result.code, log_id=result.log_id)
    elif result.outcome in {RefreshOutcome.OK, RefreshOutcome.DEAD_USER}:
        gate.resume(bot)
    if result.wait:
        gate.hold_back(bot, result.wait)


def _store(claim: Claim, tokens: TokenSet, *, asked_at: datetime) -> bool:
    grant = claim.grant
    if not tokens.refresh_token:
        logger.warning("refreshed_without_refresh_token", extra={"grant": str(grant.pk)})
    rows = UserToken.objects.filter(pk=grant.pk, generation=grant.generation)
    # Read again: the token may have been used during the submission.
    used_at = UserToken.objects.filter(pk=grant.pk).values_list("used_at", flat=True).first()
    times = lifetimes(tokens, asked_at=asked_at, used_at=used_at)
    return bool(
        rows.exclude(status=TokenStatus.REVOKED).update(
            access_token=encrypted_field(UserToken, "access_token").seal_for(grant, tokens.access_token),
            refresh_token=encrypted_field(UserToken, "refresh_token").seal_for(
                grant, tokens.refresh_token or ""
            ),
            scopes=list(tokens.scopes) or grant.scopes,
            generation=F("generation") + 1,
            status=TokenStatus.ACTIVE,
            refreshed_at=timezone.now(),
            attempts=0,
            last_outcome=RefreshOutcome.OK,
            last_code=None,
            **_RELEASED,
            **times,
            next_reminder_at=_reminder(grant, times["refresh_expires_at"]),
        )
    )


_RELEASED: dict[str, Any] = {
    "phase": RefreshPhase.IDLE,
    "claim_id": None,
    "lease_until": None,
    "next_attempt_at": None,
}


def _reminder(grant: UserToken, refresh_expires_at: datetime | None) -> Case:
    """A reminder that is due stays due: the refresh may have come before the sweep that sends it."""
    now = timezone.now()
    following = next_reminder(
        reauthorize_by=grant.reauthorize_by, refresh_expires_at=refresh_expires_at, after=now
    )
    return Case(
        When(next_reminder_at__lte=now, then=F("next_reminder_at")),
        default=Value(following, output_field=DateTimeField()),
    )


def _await_probe(claim: Claim, result: SubmissionResult) -> bool:
    """The outcome is unknown. The refresh token is sent once more, as a probe, shortly before the access token ends."""
    return _update(
        claim,
        result,
        phase=RefreshPhase.UNCERTAIN,
        next_refresh_at=max(timezone.now(), probe_time(claim.grant.access_expires_at)),
        next_attempt_at=None,
    )


def _schedule_retry(claim: Claim, result: SubmissionResult) -> bool:
    """Not refreshed, and the refresh token is still usable. Where the platform refuses the app, its gate says when to retry."""
    app_refused = result.outcome == RefreshOutcome.DEAD_APP
    return _update(
        claim,
        result,
        phase=RefreshPhase.UNCERTAIN if claim.attempt.probe else RefreshPhase.IDLE,
        attempts=0 if app_refused else F("attempts"),
        next_attempt_at=None if app_refused else timezone.now() + _pause(claim.grant, result),
    )


def _pause(grant: UserToken, result: SubmissionResult) -> timedelta:
    """As long as the platform asked for, or longer from attempt to attempt, but never past the middle of what is left of the
    access token: however long the pauses have grown, there are attempts before it ends."""
    pause = RETRIES.pause_after(grant.attempts)
    left = grant.access_expires_at - timezone.now()
    if left > timedelta():
        pause = min(pause, max(SHORTEST_PAUSE, left / 2))
    return max(timedelta(seconds=result.wait), pause)


def stop(claim: Claim, result: SubmissionResult) -> bool:
    """No refresh is possible any more: the person is asked to authorize again. The access token stays usable until its end."""
    can_return = result.code is None or explain(result.code).category != Category.USER_GONE
    stopped = _update(
        claim,
        result,
        status=TokenStatus.NEEDS_REAUTH,
        phase=RefreshPhase.STOPPED,
        next_refresh_at=None,
        next_reminder_at=timezone.now() if can_return else None,
    )
    if stopped:
        audit.record(
            actor=SYSTEM,
            action="user_token.needs_reauth",
            bot=claim.grant.bot,
            target=claim.grant.open_id,
            code=result.code,
        )
    return stopped


def release(claim: Claim) -> None:
    """Nothing was sent: give the claim back and retry later."""
    commit(claim, SubmissionResult(RefreshOutcome.NOT_SENT), asked_at=timezone.now())


def _update(claim: Claim, result: SubmissionResult, **values: object) -> bool:
    grant = claim.grant
    rows = UserToken.objects.filter(pk=grant.pk, generation=grant.generation, claim_id=claim.attempt.pk)
    released = {
        "claim_id": None,
        "lease_until": None,
        "last_outcome": result.outcome,
        "last_code": result.code,
    }
    return bool(rows.update(**released | values))
