"""Refreshing a grant: claim, mark as being sent, send with no lock and no transaction, classify, commit by generation.

A refresh token works once. It is therefore submitted once, by the refresher alone; when the outcome stays unknown, one
flagged probe shortly before the access token ends finds out. Until then the old access token is served: the platform
keeps it valid until its own end.
"""

import hashlib
import hmac
import logging
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from auth_sessions.domain.schedule import lifetimes
from auth_sessions.enums import Outcome, RefreshPhase, TokenStatus
from auth_sessions.models import RefreshAttempt, UserToken
from feishu.codes import TABLE, Category, explain
from feishu.errors import FeishuError, OAuthError, RateLimited, TransportError
from feishu.oauth import OAuth, TokenSet
from feishu_portal.access import audit
from feishu_portal.access.actors import SYSTEM
from feishu_portal.access.fields import encrypted_field
from feishu_portal.access.storable import storable

logger = logging.getLogger("auth_sessions.refresh")

LEASE = timedelta(seconds=45)  # three times the longest call
PROBE_BEFORE_END = timedelta(minutes=3)
BACKOFF = (5, 30, 120, 600, 1800)  # seconds, full jitter
APP_PAUSE = 300  # seconds before an app with a wrong secret or switched-off refresh is tried again
BATCH = 100

_DEAD_FOR_USER = {Category.REAUTHORIZE, Category.USER_GONE}
_NOT_NOW = {Category.RETRY, Category.RATE_LIMIT}


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to submit one refresh token once."""

    grant: UserToken
    attempt: RefreshAttempt


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a submission."""

    outcome: Outcome
    tokens: TokenSet | None = None
    error: FeishuError | None = None

    @property
    def retry_after(self) -> float:
        return self.error.reset_after if isinstance(self.error, RateLimited) else 0.0


def due_grants() -> list[tuple[UUID, int]]:
    """Id and generation of grants to refresh now, those that end first first."""
    due = UserToken.objects.due().filter(bot__enabled=True).order_by("access_expires_at")
    return list(due.values_list("pk", "generation")[:BATCH])


def recover() -> None:
    """Put right what a dead refresher left behind, and say which grants are over."""
    now = timezone.now()
    left = RefreshAttempt.objects.select_related("token__bot").filter(
        claim_id=F("token__claim_id"), token__phase=RefreshPhase.SENDING, token__lease_until__lt=now
    )
    for attempt in left[:BATCH]:
        _commit(Claim(attempt.token, attempt), Answer(Outcome.UNCERTAIN), asked_at=now)
    over = UserToken.objects.filter(
        status=TokenStatus.ACTIVE, next_refresh_at=None, access_expires_at__lt=now
    )
    over.update(status=TokenStatus.NEEDS_REAUTH, phase=RefreshPhase.STOPPED)


def refresh(grant_id: UUID, generation: int) -> Outcome | None:
    """Refresh one grant if it is due and still of that generation; None when somebody else has it."""
    claim = _claim(grant_id, generation)
    if claim is None:
        return None
    # Opened before anything counts as sent: a key missing from the ring must not cost the grant.
    oauth, refresh_token = OAuth(claim.grant.bot.credentials), claim.grant.refresh_token
    if not _mark_sending(claim, refresh_token):
        return None
    asked_at = timezone.now()
    answer = _submit(oauth, refresh_token)
    _commit(claim, answer, asked_at=asked_at)
    logger.info(
        "token_refresh",
        extra={
            "grant": str(grant_id),
            "generation": generation,
            "outcome": answer.outcome.value,
            "platform_code": answer.error.code if answer.error else None,
            "log_id": answer.error.log_id if answer.error else "",
        },
    )
    return answer.outcome


@transaction.atomic
def _claim(grant_id: UUID, generation: int) -> Claim | None:
    """Committing this proves that the database takes writes, before anything is at risk."""
    grant = UserToken.objects.due().select_related("bot").filter(pk=grant_id, generation=generation).first()
    if grant is None:
        return None
    now = timezone.now()
    attempt = RefreshAttempt(token=grant, generation=generation, probe=_is_probe(grant))
    claimed = (
        UserToken.objects.due()
        .filter(pk=grant_id, generation=generation, phase=grant.phase, claim_id=grant.claim_id)
        .update(
            phase=RefreshPhase.CLAIMED,
            claim_id=attempt.pk,
            lease_until=now + LEASE,
            attempts=F("attempts") + 1,
        )
    )
    if not claimed:
        return None
    attempt.save(force_insert=True)
    grant.claim_id, grant.phase, grant.attempts = attempt.pk, RefreshPhase.CLAIMED, grant.attempts + 1
    return Claim(grant, attempt)


def _is_probe(grant: UserToken) -> bool:
    """Also when it was claimed as one by a worker that died before sending it."""
    return grant.phase == RefreshPhase.UNCERTAIN or (
        grant.claim_id is not None and RefreshAttempt.objects.filter(pk=grant.claim_id, probe=True).exists()
    )


def _mark_sending(claim: Claim, refresh_token: str) -> bool:
    """From here on the refresh token counts as submitted. The fingerprint's unique index has the last word."""
    grant, attempt = claim.grant, claim.attempt
    fingerprint = _fingerprint(refresh_token)
    now = timezone.now()
    try:
        with transaction.atomic():
            held = UserToken.objects.filter(pk=grant.pk, claim_id=attempt.pk, phase=RefreshPhase.CLAIMED)
            if not held.update(phase=RefreshPhase.SENDING, lease_until=now + LEASE):
                return False
            RefreshAttempt.objects.filter(pk=attempt.pk).update(sent_at=now, fingerprint=fingerprint)
    except IntegrityError:
        logger.exception("refresh_token_already_submitted", extra={"grant": str(grant.pk)})
        _stop(claim, Answer(Outcome.DEAD_USER))
        return False
    return True


def _fingerprint(refresh_token: str) -> str:
    """A keyed hash, so that the journal identifies a token without holding it."""
    return hmac.new(settings.SECRET_KEY.encode(), refresh_token.encode(), hashlib.sha256).hexdigest()


def _submit(oauth: OAuth, refresh_token: str) -> Answer:
    try:
        tokens = oauth.refresh(refresh_token)
    except FeishuError as error:
        return Answer(classify(error), error=error)
    return Answer(Outcome.OK, tokens=tokens)


def classify(error: FeishuError) -> Outcome:
    """What a failed submission means for the refresh token; every doubt is UNCERTAIN."""
    if isinstance(error, TransportError):
        return Outcome.NOT_SENT if error.sent == "no" else Outcome.UNCERTAIN
    if isinstance(error, RateLimited):
        return Outcome.REJECTED
    if error.code not in TABLE:
        refused = isinstance(error, OAuthError) and error.error == "invalid_grant"
        return Outcome.DEAD_USER if refused else Outcome.UNCERTAIN
    category = explain(error.code).category
    if category in _NOT_NOW:
        return Outcome.REJECTED
    return Outcome.DEAD_USER if category in _DEAD_FOR_USER else Outcome.DEAD_APP


def _commit(claim: Claim, answer: Answer, *, asked_at: datetime) -> None:
    with transaction.atomic():
        if answer.outcome == Outcome.OK and answer.tokens is not None:
            stored = _store(claim, answer.tokens, asked_at=asked_at)
        elif answer.outcome == Outcome.DEAD_USER or (
            answer.outcome == Outcome.UNCERTAIN and claim.attempt.probe
        ):
            stored = _stop(claim, answer)
        else:
            stored = _put_off(claim, answer)
        outcome = answer.outcome if stored else Outcome.SUPERSEDED
        RefreshAttempt.objects.filter(pk=claim.attempt.pk).update(
            finished_at=timezone.now(),
            outcome=outcome,
            code=answer.error.code if answer.error else None,
            log_id=storable(answer.error.log_id, 128) if answer.error else "",
        )


def _store(claim: Claim, tokens: TokenSet, *, asked_at: datetime) -> bool:
    """Fenced by generation alone: a late answer counts even when its lease is over, and a new consent beats it."""
    grant = claim.grant
    return _update(
        grant,
        fenced_by_claim=False,
        access_token=encrypted_field(UserToken, "access_token").seal_for(grant, tokens.access_token),
        refresh_token=encrypted_field(UserToken, "refresh_token").seal_for(grant, tokens.refresh_token or ""),
        scopes=list(tokens.scopes) or grant.scopes,
        generation=F("generation") + 1,
        status=TokenStatus.ACTIVE,
        phase=RefreshPhase.IDLE,
        attempts=0,
        next_try_at=None,
        refreshed_at=timezone.now(),
        last_outcome=Outcome.OK,
        last_code=None,
        **lifetimes(tokens, asked_at=asked_at, used_at=grant.used_at),
    )


def _put_off(claim: Claim, answer: Answer) -> bool:
    """Not refreshed, and not lost either: again later, or, when nobody knows, one probe before the access token ends."""
    now, grant = timezone.now(), claim.grant
    values: dict[str, Any] = {
        "last_outcome": answer.outcome,
        "last_code": answer.error.code if answer.error else None,
        "phase": RefreshPhase.IDLE,
    }
    if answer.outcome == Outcome.UNCERTAIN:
        values |= {
            "phase": RefreshPhase.UNCERTAIN,
            "next_refresh_at": max(now, grant.access_expires_at - PROBE_BEFORE_END),
            "next_try_at": None,
        }
    else:
        if claim.attempt.probe:
            values["phase"] = RefreshPhase.UNCERTAIN
        pause = (
            APP_PAUSE
            if answer.outcome == Outcome.DEAD_APP
            else BACKOFF[min(grant.attempts, len(BACKOFF)) - 1]
        )
        wait = max(answer.retry_after, pause * random.uniform(0.5, 1.0))  # noqa: S311 -- jitter
        values["next_try_at"] = now + timedelta(seconds=wait)
    return _update(grant, fenced_by_claim=True, **values)


def _stop(claim: Claim, answer: Answer) -> bool:
    """The grant is over: the person must authorize again. The access token stays usable until its own end."""
    grant = claim.grant
    stopped = _update(
        grant,
        fenced_by_claim=True,
        status=TokenStatus.NEEDS_REAUTH,
        phase=RefreshPhase.STOPPED,
        next_refresh_at=None,
        last_outcome=answer.outcome,
        last_code=answer.error.code if answer.error else None,
    )
    if stopped:
        audit.record(
            actor=SYSTEM,
            action="user_token.needs_reauth",
            app_id=grant.bot.app_id,
            target=grant.open_id,
            code=answer.error.code if answer.error else None,
        )
    return stopped


def _update(grant: UserToken, *, fenced_by_claim: bool, **values: object) -> bool:
    rows = UserToken.objects.filter(pk=grant.pk, generation=grant.generation)
    if fenced_by_claim:
        rows = rows.filter(claim_id=grant.claim_id)
    return bool(rows.update(claim_id=None, lease_until=None, **values))
