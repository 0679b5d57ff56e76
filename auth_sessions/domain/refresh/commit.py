"""Storing the result of a submission in one transaction, once, however often `commit` is called.

New tokens are fenced by the generation alone: a late answer counts even after its lease, and a new consent beats it.
Every other result is fenced by the claim.
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, DateTimeField, F, Value, When
from django.utils import timezone

from auth_sessions.domain.refresh import gate
from auth_sessions.domain.refresh.claim import Claim, fingerprint
from auth_sessions.domain.refresh.outcomes import SubmissionResult
from auth_sessions.domain.refresh.schedule import lifetimes, next_reminder
from auth_sessions.domain.revocation.service import withdraw_late_answer
from auth_sessions.enums import KNOWN_OUTCOMES, RefreshOutcome, RefreshPhase, TokenStatus
from auth_sessions.metrics import count_refresh
from auth_sessions.models import RefreshAttempt, UserToken
from core.access import audit
from core.access.actors import SYSTEM
from core.background.retry import RetrySchedule
from core.database.text import storable
from core.vault.fields import encrypted_field
from feishu.codes import TABLE, Category, explain
from feishu.oauth import TokenSet

logger = logging.getLogger(__name__)

RETRIES = RetrySchedule((5, 30, 120, 600, 1800))
SHORTEST_PAUSE = timedelta(seconds=5)
KEPT_TOKEN = "kept"  # noqa: S105 -- stands for the token in the row, and is never stored


def commit(claim: Claim, result: SubmissionResult, *, asked_at: datetime) -> RefreshOutcome | None:
    """Store the result; None when one was stored before. Only an unknown outcome may be replaced by a known one."""
    grant = claim.grant
    with transaction.atomic():
        journal = RefreshAttempt.objects.filter(
            pk=claim.attempt.pk, outcome__in=("", RefreshOutcome.UNCERTAIN)
        )
        if not journal.update(finished_at=timezone.now()):
            return None
        outcome = result.outcome
        if not _apply(claim, result, asked_at=asked_at):
            # What decided nothing about the refresh token cannot have been overtaken.
            outcome = RefreshOutcome.SUPERSEDED if result.outcome in KNOWN_OUTCOMES else result.outcome
            if result.tokens is not None:
                withdraw_late_answer(grant=grant, tokens=result.tokens)
        elif result.tokens is not None:
            _forget_kept_token(claim, result.tokens)
        failure = result.failure
        journal.update(
            outcome=outcome,
            code=result.code,
            log_id=storable(result.log_id, 128),
            http_status=failure.http_status,
            reason=failure.reason,
            said=failure.said,
        )
        _update_gate(claim, result)
    count_refresh(
        outcome.value,
        succeeded=outcome == RefreshOutcome.OK,
        code=result.code,
        reason=failure.reason,
        status=failure.http_status,
    )
    logger.info(
        "token_refresh",
        extra={
            "app_id": grant.bot.app_id,
            "grant": str(grant.pk),
            "generation": grant.generation,
            "probe": claim.attempt.probe,
            "outcome": outcome.value,
            "platform_code": result.code,
            "log_id": result.log_id,
            "http_status": failure.http_status,
            "reason": failure.reason,
            "said": failure.said,
        },
    )
    return outcome


def _apply(claim: Claim, result: SubmissionResult, *, asked_at: datetime) -> bool:
    if result.outcome == RefreshOutcome.OK and result.tokens is not None:
        return _store(claim, result.tokens, asked_at=asked_at)
    if result.outcome == RefreshOutcome.DEAD_USER:
        return stop(claim, result)
    if result.outcome == RefreshOutcome.UNCERTAIN:
        return _await_probe(claim, result)
    return _schedule_retry(claim, result)


def _update_gate(claim: Claim, result: SubmissionResult) -> None:
    bot = claim.grant.bot
    if result.outcome == RefreshOutcome.DEAD_APP:
        known = result.code if result.code in TABLE else None
        gate.pause(bot, code=known, reason=result.failure.reason, log_id=result.log_id)
    elif result.outcome in {RefreshOutcome.OK, RefreshOutcome.DEAD_USER}:
        gate.resume(bot)
    if result.wait:
        gate.hold_back(bot, result.wait)


def _store(claim: Claim, tokens: TokenSet, *, asked_at: datetime) -> bool:
    grant = claim.grant
    columns: dict[str, Any] = {}
    if tokens.refresh_token:
        columns["refresh_token"] = encrypted_field(UserToken, "refresh_token").seal_for(
            grant, tokens.refresh_token
        )
    else:
        # The old one goes on, with its end (RFC 6749 6).
        logger.info("refreshed_without_refresh_token", extra={"grant": str(grant.pk)})
        columns["refresh_expires_at"] = grant.refresh_expires_at
        tokens = _with_old_refresh_token(grant, tokens, asked_at)
    rows = UserToken.objects.filter(pk=grant.pk, generation=grant.generation)
    # Read again: the token may have been used during the submission.
    used_at = UserToken.objects.filter(pk=grant.pk).values_list("used_at", flat=True).first()
    columns = lifetimes(tokens, asked_at=asked_at, used_at=used_at) | columns
    return bool(
        rows.exclude(status=TokenStatus.REVOKED).update(
            access_token=encrypted_field(UserToken, "access_token").seal_for(grant, tokens.access_token),
            scopes=list(tokens.scopes) or grant.scopes,
            generation=F("generation") + 1,
            status=TokenStatus.ACTIVE,
            refreshed_at=timezone.now(),
            attempts=0,
            last_outcome=RefreshOutcome.OK,
            last_code=None,
            last_reason="",
            **_RELEASED,
            **columns,
            next_reminder_at=_reminder(grant, columns["refresh_expires_at"]),
        )
    )


def _with_old_refresh_token(grant: UserToken, tokens: TokenSet, asked_at: datetime) -> TokenSet:
    """The answer, with what is left of the old refresh token's life, for the schedule."""
    ends_at = grant.refresh_expires_at
    left = None if ends_at is None else max(int((ends_at - asked_at).total_seconds()), 1)
    return replace(tokens, refresh_token=KEPT_TOKEN, refresh_token_expires_in=left)


def _forget_kept_token(claim: Claim, tokens: TokenSet) -> None:
    """Where the answer held no other refresh token than the one that was sent, that one is to be sent next time: the journal
    no longer holds it for submitted."""
    sent = RefreshAttempt.objects.filter(pk=claim.attempt.pk).values_list("fingerprint", flat=True).first()
    if sent and (tokens.refresh_token is None or fingerprint(tokens.refresh_token) == sent):
        RefreshAttempt.objects.filter(token=claim.grant, fingerprint=sent).update(fingerprint="")


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
    """The outcome is unknown. The refresh token is sent again, as a probe, once the access token is over, with growing pauses,
    until the platform answers with a code or the refresh token's life ends (`expire`)."""
    grant = claim.grant
    return _update(
        claim,
        result,
        phase=RefreshPhase.UNCERTAIN,
        next_refresh_at=max(grant.access_expires_at, timezone.now() + RETRIES.pause_after(grant.attempts)),
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
        _record_end(claim.grant, result.code)
    return stopped


def expire(grant: UserToken) -> bool:
    """End a grant whose refresh token's life is over; False when a refresher has it, or it was changed meanwhile."""
    rows = UserToken.objects.filter(
        pk=grant.pk, generation=grant.generation, phase=grant.phase, status=TokenStatus.ACTIVE
    )
    with transaction.atomic():
        expired = rows.update(
            status=TokenStatus.NEEDS_REAUTH,
            phase=RefreshPhase.STOPPED,
            next_refresh_at=None,
            next_attempt_at=None,
            next_reminder_at=timezone.now(),
        )
        if expired:
            logger.warning("refresh_token_expired", extra={"grant": str(grant.pk)})
            _record_end(grant, None)
    return bool(expired)


def _record_end(grant: UserToken, code: int | None) -> None:
    audit.record(
        actor=SYSTEM, action="user_token.needs_reauth", bot=grant.bot, target=grant.open_id, code=code
    )


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
        "last_reason": result.failure.reason,
    }
    return bool(rows.update(**released | values))
