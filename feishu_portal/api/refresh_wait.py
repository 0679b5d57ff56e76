"""Waiting for the refresher: bounded in time and number, holding neither a thread nor a database connection."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeAlias

from auth_sessions.domain.tokens.broker import Standing, standing_of
from auth_sessions.models import UserToken
from core.background.limits import ConcurrencyLimits
from feishu_portal.api.problems import Problem

PATIENCE = 10.0  # seconds a caller waits; under the usual limit of HTTP clients
FIRST_LOOK = 0.15  # seconds; most refreshes take about as long as one call to the platform
LONGEST_PAUSE = 1.0
RETRY_AFTER = 5  # seconds
MAX_WAITING = 200  # callers in one process

Look: TypeAlias = Callable[[], Awaitable[UserToken | None]]

_room = ConcurrencyLimits()


async def fresh(grant: UserToken, look: Look, *, patience: float | None = None) -> UserToken | None:
    """The grant as soon as it is of a newer generation or over; None when ``patience`` seconds brought neither.
    ``look`` reads the grant anew. Raises Problem when too many wait already."""
    deadline, pause = time.monotonic() + (PATIENCE if patience is None else patience), FIRST_LOOK
    with _room.place("", limit=MAX_WAITING, full=refresh_in_progress(grant)):
        while time.monotonic() < deadline:
            await asyncio.sleep(min(pause, max(deadline - time.monotonic(), 0)))
            pause = min(pause * 1.5, LONGEST_PAUSE)
            now = await look()
            if now is None:
                return None
            if now.generation != grant.generation or standing_of(now, at_least=timedelta()) is Standing.OVER:
                return now
    return None


def refresh_in_progress(grant: UserToken) -> Problem:
    """503: the token is being refreshed. Until when the present one is good, for callers that need it for less."""
    return Problem(
        503,
        "refresh_in_progress",
        "The access token is being refreshed. Try again shortly, or ask with a smaller min_ttl.",
        expires_at=grant.access_expires_at.isoformat(),
        headers={"Retry-After": str(RETRY_AFTER)},
    )
