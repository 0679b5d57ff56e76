"""The right to submit one refresh token once: claimed, then marked as being sent, in two transactions."""

import hashlib
import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from auth_sessions.enums import KNOWN_OUTCOMES, RefreshPhase
from auth_sessions.models import RefreshAttempt, UserToken
from bots.models import Bot
from core.installation.watch import watch

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Claim:
    """A grant as it was when it was claimed, and the journal's entry of the attempt."""

    grant: UserToken
    attempt: RefreshAttempt


def lease() -> timedelta:
    """How long a claim holds: three times the longest call."""
    return timedelta(seconds=settings.REFRESH_LEASE_SECONDS)


def claim(bot: Bot, grant_ids: Collection[UUID]) -> list[Claim]:
    """Claims those of the grants that are still due and not claimed by another refresher. The commit proves that the database
    takes writes, before a refresh token is at risk; and it belongs to an installation that may send one."""
    with transaction.atomic():
        if watch.judge().is_passive:
            return []
        due = UserToken.objects.due().filter(bot=bot, pk__in=grant_ids)
        claims = [_claim(grant) for grant in due.select_for_update(skip_locked=True, no_key=True)]
        taken = [each for each in claims if each is not None]
        RefreshAttempt.objects.bulk_create(each.attempt for each in taken)
    for each in taken:
        each.grant.bot = bot
    rank = {pk: position for position, pk in enumerate(grant_ids)}
    return sorted(taken, key=lambda each: rank[each.grant.pk])


def _claim(grant: UserToken) -> Claim | None:
    now = timezone.now()
    attempt = RefreshAttempt(token=grant, generation=grant.generation, probe=_is_probe(grant))
    claimed = (
        UserToken.objects.due()
        .filter(pk=grant.pk, generation=grant.generation, phase=grant.phase, claim_id=grant.claim_id)
        .update(
            phase=RefreshPhase.CLAIMED,
            claim_id=attempt.pk,
            lease_until=now + lease(),
            attempts=F("attempts") + 1,
        )
    )
    if not claimed:
        return None
    grant.claim_id, grant.phase, grant.attempts = attempt.pk, RefreshPhase.CLAIMED, grant.attempts + 1
    return Claim(grant, attempt)


def _is_probe(grant: UserToken) -> bool:
    """Also where a worker claimed it as a probe and died before sending it."""
    return grant.phase == RefreshPhase.UNCERTAIN or (
        grant.claim_id is not None and RefreshAttempt.objects.filter(pk=grant.claim_id, probe=True).exists()
    )


def mark_sending(taken: Claim, refresh_token: str) -> bool:
    """From here on the refresh token counts as submitted; False when another refresher has taken over the claim.

    The journal has the last word, whatever the rest of the code believes: raises OutcomeKnown, AlreadySubmitted.
    """
    grant, attempt = taken.grant, taken.attempt
    now, shown = timezone.now(), fingerprint(refresh_token)
    try:
        with transaction.atomic():
            held = UserToken.objects.filter(pk=grant.pk, claim_id=attempt.pk, phase=RefreshPhase.CLAIMED)
            if not held.update(phase=RefreshPhase.SENDING, lease_until=now + lease()):
                return False
            verdict = RefreshAttempt.objects.filter(fingerprint=shown, outcome__in=KNOWN_OUTCOMES).first()
            if verdict is not None:
                logger.error("refresh_token_already_answered", extra={"grant": str(grant.pk)})
                raise OutcomeKnown(verdict.code)
            RefreshAttempt.objects.filter(pk=attempt.pk).update(sent_at=now, fingerprint=shown)
    except IntegrityError:
        logger.error("refresh_token_already_submitted", extra={"grant": str(grant.pk)})  # noqa: TRY400 -- a traceback adds nothing
        raise AlreadySubmitted from None
    grant.phase = RefreshPhase.SENDING
    return True


class AlreadySubmitted(Exception):
    """The journal says that this refresh token was submitted before, and nobody knows with what outcome."""


class OutcomeKnown(Exception):
    """The journal says that the platform has exchanged or refused this refresh token; ``code`` is its code, if it gave one."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


def fingerprint(refresh_token: str) -> str:
    """A hash, so that the journal identifies a token without holding it. Without a key: a token has too much entropy to be
    guessed from its hash, and a key that is changed would make the journal forget what was submitted."""
    return hashlib.sha256(b"refresh-token:" + refresh_token.encode()).hexdigest()
