"""Callers who wait for the refresher: bounded in time and number, holding neither a thread nor a database connection."""

import math
from collections.abc import Hashable
from datetime import datetime

from django.utils import timezone

from auth_sessions.domain.tokens.refresh_wait import ReadGrant, wait_for_refresh_async
from auth_sessions.models import UserToken
from core.background.limits import ConcurrencyLimits
from feishu_portal.api.problems import Problem

RETRY_AFTER = 5  # seconds
AFTER_ATTEMPT = 2  # seconds that an attempt takes
MAX_WAITING = 200  # callers in one process

_waiting = ConcurrencyLimits()


async def await_refresh(grant: UserToken, read: ReadGrant, *, client: Hashable) -> UserToken | None:
    """The grant after its refresh, as `wait_for_refresh` says. Raises Problem when too many wait already, of all callers, of
    this ``client`` or for the same bot."""
    with _waiting.fair_place(client, grant.bot_id, limit=MAX_WAITING, full=refresh_in_progress(grant)):
        return await wait_for_refresh_async(grant, read)


def no_token_yet(grant: UserToken, postponed_until: datetime | None) -> Problem:
    """503: the token is being refreshed, or will be at ``postponed_until``."""
    if postponed_until is None:
        return refresh_in_progress(grant)
    seconds = math.ceil((postponed_until - timezone.now()).total_seconds())
    return Problem(
        503,
        "refresh_postponed",
        "The access token could not be refreshed. Nothing is under way before retry_at; no one has to authorize again for now.",
        retry_at=postponed_until.isoformat(),
        expires_at=grant.access_expires_at.isoformat(),
        headers={"Retry-After": str(max(seconds, 1) + AFTER_ATTEMPT)},
    )


def refresh_in_progress(grant: UserToken) -> Problem:
    """503: the token is being refreshed. Until when the present one is good, for callers that need it for less."""
    return Problem(
        503,
        "refresh_in_progress",
        "The access token is being refreshed. Try again shortly, or ask with a smaller min_ttl.",
        expires_at=grant.access_expires_at.isoformat(),
        headers={"Retry-After": str(RETRY_AFTER)},
    )
