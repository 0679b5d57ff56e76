"""Telling people in time that an authorization ends, with a card by which they renew it.

``UserToken.next_reminder_at`` remembers what was said: a step is due once, whoever sweeps, and after a long pause one card
is sent and not all that were missed.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from auth_sessions.domain.refresh.schedule import nearing_end, next_reminder
from auth_sessions.domain.sessions import MAX_SCOPES, request_authorization
from auth_sessions.enums import TokenStatus
from auth_sessions.errors import CANNOT_ASK
from auth_sessions.models import UserToken
from core.access.actors import SYSTEM

logger = logging.getLogger("auth_sessions.reminders")

CARD_LIFE = timedelta(days=1)
TRY_AGAIN = timedelta(hours=6)  # where nobody can be asked at the moment
AT_ONCE = 200


def remind_of_ends() -> int:
    """Send the cards that are due; how many."""
    due = UserToken.objects.filter(next_reminder_at__lte=timezone.now(), bot__enabled=True)
    return sum(_remind(grant) for grant in due.select_related("bot").order_by("next_reminder_at")[:AT_ONCE])


def _remind(grant: UserToken) -> bool:
    now = timezone.now()
    ends_at = _end_of(grant, now)
    try:
        with transaction.atomic():
            return _settle(grant, _following(grant, now)) and ends_at is not None and _ask(grant, ends_at)
    except CANNOT_ASK as problem:
        logger.warning("reminder_not_sent", extra={"grant": str(grant.pk), "problem": problem.code})
        _settle(grant, now + TRY_AGAIN)
        return False


def _settle(grant: UserToken, following: datetime | None) -> bool:
    """The row count decides who sends this step."""
    step = UserToken.objects.filter(pk=grant.pk, next_reminder_at=grant.next_reminder_at)
    return bool(step.update(next_reminder_at=following))


def _end_of(grant: UserToken, now: datetime) -> datetime | None:
    if grant.status == TokenStatus.NEEDS_REAUTH:
        return grant.access_expires_at
    if grant.status == TokenStatus.REVOKED:
        return None
    return nearing_end(
        reauthorize_by=grant.reauthorize_by, refresh_expires_at=grant.refresh_expires_at, now=now
    )


def _following(grant: UserToken, now: datetime) -> datetime | None:
    if grant.status != TokenStatus.ACTIVE:
        return None
    return next_reminder(
        reauthorize_by=grant.reauthorize_by, refresh_expires_at=grant.refresh_expires_at, after=now
    )


def _ask(grant: UserToken, ends_at: datetime) -> bool:
    request_authorization(
        bot=grant.bot,
        open_id=grant.open_id,
        tenant_key=grant.tenant_key,
        scopes=list(dict.fromkeys([*grant.bot.auth_scopes, *grant.scopes]))[:MAX_SCOPES],
        actor=SYSTEM,
        renews_until=ends_at,
        lifetime=CARD_LIFE,
    )
    return True
