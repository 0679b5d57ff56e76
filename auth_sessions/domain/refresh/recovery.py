"""What a refresher settles before it claims anything: spooled answers, claims of dead refreshers, grants that are over."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import DataError, IntegrityError
from django.db.models import F, Q
from django.utils import timezone

from auth_sessions.domain.failures import Failure
from auth_sessions.domain.refresh import spool
from auth_sessions.domain.refresh.claim import Claim
from auth_sessions.domain.refresh.commit import commit, expire
from auth_sessions.domain.refresh.outcomes import SubmissionResult
from auth_sessions.domain.refresh.spool import Kept
from auth_sessions.enums import RefreshOutcome, RefreshPhase, TokenStatus
from auth_sessions.models import RefreshAttempt, UserToken
from feishu.reasons import Reason

logger = logging.getLogger(__name__)

BATCH = 100
UNHEARD = SubmissionResult(RefreshOutcome.UNCERTAIN, failure=Failure(reason=Reason.INTERRUPTED))
LONGEST_PAUSE = timedelta(hours=1)  # between two attempts


def drain_spool() -> None:
    """Store every answer on this machine's disk. Harmless to repeat, and beside the refresher that sent it."""
    for claim_id in spool.waiting():
        kept = spool.read(claim_id)
        if kept is None:
            continue
        try:
            _store(claim_id, kept)
        except (DataError, IntegrityError):
            # Kept for a person to look at, so that it does not hold up the others.
            logger.exception("refresh_answer_refused", extra={"attempt": str(claim_id)})
        else:
            spool.discard(claim_id)


def _store(claim_id: UUID, kept: Kept) -> None:
    attempt = RefreshAttempt.objects.select_related("token__bot").filter(pk=claim_id).first()
    attempt = attempt or _attempt_before_restore(claim_id, kept)
    if attempt is not None and commit(_claim_of(attempt), kept.result, asked_at=kept.asked_at) is not None:
        logger.warning("refresh_answer_recovered", extra={"grant": str(attempt.token_id)})


def _attempt_before_restore(claim_id: UUID, kept: Kept) -> RefreshAttempt | None:
    """The attempt, written again, where the database was put back to before it: these tokens are newer than the grant's."""
    grant = (
        UserToken.objects.select_related("bot")
        .filter(pk=kept.grant_id, generation__lte=kept.generation)
        .first()
    )
    if grant is None or kept.result.tokens is None:
        return None
    return RefreshAttempt.objects.create(
        claim_id=claim_id,
        token=grant,
        generation=grant.generation,
        claimed_at=kept.asked_at,
        sent_at=kept.asked_at,
    )


def _claim_of(attempt: RefreshAttempt) -> Claim:
    """The claim as it was: an answer belongs to the generation that was submitted, whatever the row says now."""
    attempt.token.generation = attempt.generation
    return Claim(attempt.token, attempt)


def recover() -> None:
    """Mark submissions whose refresher died as uncertain, and grants as over that have no usable token left."""
    now = timezone.now()
    left = RefreshAttempt.objects.select_related("token__bot").filter(
        claim_id=F("token__claim_id"), token__phase=RefreshPhase.SENDING, token__lease_until__lt=now
    )
    for attempt in left[:BATCH]:
        commit(_claim_of(attempt), UNHEARD, asked_at=now)
    _expire(now)
    over = UserToken.objects.filter(
        status=TokenStatus.ACTIVE, next_refresh_at=None, access_expires_at__lt=now
    )
    over.update(status=TokenStatus.NEEDS_REAUTH, phase=RefreshPhase.STOPPED, next_reminder_at=None)


def _expire(now: datetime) -> None:
    """End grants whose refresh token's life has ended while it could not be refreshed. One that was not tried since, because
    the portal was off, is sent once: the platform's clock decides. Nor does a refused app cost a grant."""
    ended = Q(refresh_expires_at__lt=now) | Q(refresh_expires_at=None, reauthorize_by__lt=now)
    over = UserToken.objects.filter(
        ended,
        status=TokenStatus.ACTIVE,
        phase__in=(RefreshPhase.IDLE, RefreshPhase.UNCERTAIN),
        attempts__gt=0,
        access_expires_at__lt=now,
        next_refresh_at__lt=now + LONGEST_PAUSE,
    )
    for grant in over.select_related("bot")[:BATCH]:
        expire(grant)
