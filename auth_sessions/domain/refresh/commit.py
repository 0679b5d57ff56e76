"""Storing what came of a submission, in one transaction, once, however often it is asked for.

New tokens are fenced by generation alone: a late answer counts even when its lease is over, and a new consent beats it.
Everything else is fenced by the claim.
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

logger = logging.getLogger("auth_sessions.refresh")

RETRIES = RetrySchedule((5, 30, 120, 600, 1800))
SHORTEST_PAUSE = timedelta(seconds=5)


def commit(claim: Claim, answer: SubmissionResult, *, asked_at: datetime) -> RefreshOutcome | None:
    """Store the outcome; None when it was stored before. A verdict may replace an unknown outcome, nothing else."""
    grant = claim.grant
    with transaction.atomic():
        journal = RefreshAttempt.objects.filter(
            pk=claim.attempt.pk, outcome__in=("", RefreshOutcome.UNCERTAIN)
        )
        if not journal.update(finished_at=timezone.now()):
            return None
        outcome = answer.outcome if _apply(claim, answer, asked_at=asked_at) else RefreshOutcome.SUPERSEDED
        if outcome == RefreshOutcome.SUPERSEDED and answer.outcome == RefreshOutcome.UNCERTAIN:
            outcome = RefreshOutcome.UNCERTAIN  # nothing came that could be overtaken
        if outcome == RefreshOutcome.SUPERSEDED and answer.tokens is not None:
            withdraw_late_answer(grant=grant, tokens=answer.tokens)
        journal.update(outcome=outcome, code=answer.code, log_id=storable(answer.log_id, 128))
        _tell_gate(claim, answer)
    logger.info(
        "token_refresh",
        extra={
            "grant": str(grant.pk),
            "generation": grant.generation,
            "probe": claim.attempt.probe,
            "outcome": outcome.value,
            "platform_code": answer.code,
            "log_id": answer.log_id,
        },
    )
    return outcome


def _apply(claim: Claim, answer: SubmissionResult, *, asked_at: datetime) -> bool:
    if answer.outcome == RefreshOutcome.OK and answer.tokens is not None:
        return _store(claim, answer.tokens, asked_at=asked_at)
    if answer.outcome == RefreshOutcome.DEAD_USER:
        return stop(claim, answer)
    if answer.outcome == RefreshOutcome.UNCERTAIN:
        return stop(claim, answer) if claim.attempt.probe else _await_probe(claim, answer)
    return _put_off(claim, answer)


def _tell_gate(claim: Claim, answer: SubmissionResult) -> None:
    bot = claim.grant.bot
    if answer.outcome == RefreshOutcome.DEAD_APP:
        gate.pause(bot, code=answer.code, log_id=answer.log_id)
    elif answer.outcome in {RefreshOutcome.OK, RefreshOutcome.DEAD_USER}:
        gate.resume(bot)
    if answer.wait:
        gate.hold_back(bot, answer.wait)


def _store(claim: Claim, tokens: TokenSet, *, asked_at: datetime) -> bool:
    grant = claim.grant
    if not tokens.refresh_token:
        logger.warning("refreshed_without_refresh_token", extra={"grant": str(grant.pk)})
    rows = UserToken.objects.filter(pk=grant.pk, generation=grant.generation)
    times = lifetimes(tokens, asked_at=asked_at, used_at=_last_use(grant))
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


def _last_use(grant: UserToken) -> datetime | None:
    """As it is now: somebody may have asked while the token was under way."""
    return UserToken.objects.filter(pk=grant.pk).values_list("used_at", flat=True).first()


def _reminder(grant: UserToken, refresh_expires_at: datetime | None) -> Case:
    """One that is due stays so: the refresh may have come between it and the sweep."""
    now = timezone.now()
    following = next_reminder(
        reauthorize_by=grant.reauthorize_by, refresh_expires_at=refresh_expires_at, after=now
    )
    return Case(
        When(next_reminder_at__lte=now, then=F("next_reminder_at")),
        default=Value(following, output_field=DateTimeField()),
    )


def _await_probe(claim: Claim, answer: SubmissionResult) -> bool:
    """Nobody knows. The token is not sent again but for one probe, shortly before the access token ends."""
    return _update(
        claim,
        answer,
        phase=RefreshPhase.UNCERTAIN,
        next_refresh_at=max(timezone.now(), probe_time(claim.grant.access_expires_at)),
        next_attempt_at=None,
    )


def _put_off(claim: Claim, answer: SubmissionResult) -> bool:
    """Not refreshed, and not lost either. A grant of an app that is refused waits for the app, not for itself."""
    app_refused = answer.outcome == RefreshOutcome.DEAD_APP
    return _update(
        claim,
        answer,
        phase=RefreshPhase.UNCERTAIN if claim.attempt.probe else RefreshPhase.IDLE,
        attempts=0 if app_refused else F("attempts"),
        next_attempt_at=None if app_refused else timezone.now() + _pause(claim.grant, answer),
    )


def _pause(grant: UserToken, answer: SubmissionResult) -> timedelta:
    """As long as the platform asked for, or longer from attempt to attempt, but never past the middle of what is left of the
    access token: however long the pauses have grown, there are attempts before it ends."""
    pause = RETRIES.pause_after(grant.attempts)
    left = grant.access_expires_at - timezone.now()
    if left > timedelta():
        pause = min(pause, max(SHORTEST_PAUSE, left / 2))
    return max(timedelta(seconds=answer.wait), pause)


def stop(claim: Claim, answer: SubmissionResult) -> bool:
    """The grant is over: the person is asked to authorize again, and the access token stays usable until its own end."""
    can_return = answer.code is None or explain(answer.code).category != Category.USER_GONE
    stopped = _update(
        claim,
        answer,
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
            code=answer.code,
        )
    return stopped


def release(claim: Claim) -> None:
    """Nothing was sent, and nothing is known: give the claim back and try again later."""
    commit(claim, SubmissionResult(RefreshOutcome.NOT_SENT), asked_at=timezone.now())


def _update(claim: Claim, answer: SubmissionResult, **values: object) -> bool:
    grant = claim.grant
    rows = UserToken.objects.filter(pk=grant.pk, generation=grant.generation, claim_id=claim.attempt.pk)
    released = {
        "claim_id": None,
        "lease_until": None,
        "last_outcome": answer.outcome,
        "last_code": answer.code,
    }
    return bool(rows.update(**released | values))
