"""Reminding people in time that an authorization ends, with a card by which they renew it.

``UserToken.next_reminder_at`` is the state: each reminder is sent once, whichever worker sweeps, and after a long pause one
card is sent instead of all that were missed.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from auth_sessions.domain.refresh.schedule import nearing_end, next_reminder
from auth_sessions.domain.sessions import request_authorization
from auth_sessions.domain.tokens.scopes import renewed_scopes
from auth_sessions.enums import TokenStatus
from auth_sessions.errors import CANNOT_ASK
from auth_sessions.log_facts import of_grant
from auth_sessions.models import AuthSession, UserToken
from core.access.actors import SYSTEM

logger = logging.getLogger(__name__)

CARD_LIFE = timedelta(days=1)
RETRY_AFTER = timedelta(hours=6)  # where the person cannot be asked at the moment
REFRESH_FIRST = timedelta(minutes=10)  # for the refresher to try what is due
STILL_USEFUL = timedelta(hours=1)  # a card that ends sooner may go unseen
MAX_REMINDERS = 200  # in one sweep


def remind_of_ends() -> int:
    """Send the reminders that are due; returns how many were sent."""
    due = UserToken.objects.filter(next_reminder_at__lte=timezone.now(), bot__enabled=True)
    return sum(
        _remind(grant) for grant in due.select_related("bot").order_by("next_reminder_at")[:MAX_REMINDERS]
    )


def _remind(grant: UserToken) -> bool:
    now = timezone.now()
    by, refreshable_until = grant.reauthorize_by, grant.refresh_expires_at
    if _is_to_be_refreshed_first(grant, now):
        _schedule(grant, now + REFRESH_FIRST)
        return False
    ends_at: datetime | None = None
    following: datetime | None = None
    if grant.status == TokenStatus.NEEDS_REAUTH:
        ends_at = None if _is_asked_already(grant) else grant.access_expires_at
    elif grant.status == TokenStatus.ACTIVE:
        ends_at = nearing_end(reauthorize_by=by, refresh_expires_at=refreshable_until, now=now)
        following = next_reminder(reauthorize_by=by, refresh_expires_at=refreshable_until, after=now)
    try:
        with transaction.atomic():
            is_ours = _schedule(grant, following)
            if not is_ours or ends_at is None:
                return False
            request_authorization(
                bot=grant.bot,
                open_id=grant.open_id,
                tenant_key=grant.tenant_key,
                scopes=renewed_scopes(grant),
                actor=SYSTEM,
                renews_until=ends_at,
                lifetime=CARD_LIFE,
            )
    except CANNOT_ASK as problem:
        logger.warning("reminder_not_sent", extra=of_grant(grant) | {"problem": problem.code})
        _schedule(grant, now + RETRY_AFTER)
        return False
    return True


def _is_to_be_refreshed_first(grant: UserToken, now: datetime) -> bool:
    """Whether the end that is near is that of a refresh token that nobody has tried to exchange yet, as after a time in which
    the portal was off: the refresher will, and either the end moves away or the platform says that it has come."""
    if grant.status != TokenStatus.ACTIVE or grant.attempts or grant.next_refresh_at is None:
        return False
    near = nearing_end(
        reauthorize_by=grant.reauthorize_by, refresh_expires_at=grant.refresh_expires_at, now=now
    )
    return near is not None and near == grant.refresh_expires_at and grant.next_refresh_at <= now


def _is_asked_already(grant: UserToken) -> bool:
    """Whether the person has a card that renews this authorization and still works: one is enough."""
    return (
        AuthSession.objects.open()
        .filter(
            bot=grant.bot,
            open_id=grant.open_id,
            tenant_key=grant.tenant_key,
            renews_until__isnull=False,
            expires_at__gt=timezone.now() + STILL_USEFUL,
        )
        .exists()
    )


def _schedule(grant: UserToken, next_reminder_at: datetime | None) -> bool:
    """Schedule the next reminder; the row count decides which worker sends this one."""
    step = UserToken.objects.filter(pk=grant.pk, next_reminder_at=grant.next_reminder_at)
    return bool(step.update(next_reminder_at=next_reminder_at))
