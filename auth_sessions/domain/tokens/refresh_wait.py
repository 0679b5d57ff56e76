"""Waiting for a refresh that somebody asked for. The refresher alone refreshes; who waits asks the database."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias
from uuid import UUID

from auth_sessions.domain.tokens.decision import is_refreshable, postponed_until
from auth_sessions.models import UserToken
from core.background.waiting import GrowingPauses
from core.database.connections import give_back

PATIENCE: float = 10.0
"""Seconds that a caller waits; under the usual limit of HTTP clients."""
PAUSES: Final = GrowingPauses(first=0.15, longest=1.0)
"""Most refreshes take about as long as one call to the platform."""

ReadGrant: TypeAlias = Callable[[], Awaitable[UserToken | None]]


def read_grant(grant_id: UUID) -> UserToken | None:
    """The grant as it is now, with its bot."""
    return UserToken.objects.select_related("bot").filter(pk=grant_id).first()


def wait_for_refresh(grant: UserToken) -> UserToken | None:
    """The grant once it is of a newer generation or cannot be refreshed any more; None when it is gone, its refresh was
    postponed for longer, or ten seconds brought neither. Blocks, and holds no database connection meanwhile."""
    for pause in PAUSES.within(PATIENCE):
        give_back(before_waiting=True)
        time.sleep(pause)
        now = read_grant(grant.pk)
        if now is None or _is_settled(grant, now):
            return now
        if postponed_until(now) is not None:
            return None
    return None


async def wait_for_refresh_async(grant: UserToken, read: ReadGrant) -> UserToken | None:
    """`wait_for_refresh` that holds no thread either; ``read`` is `read_grant` by the caller's way to the database."""
    for pause in PAUSES.within(PATIENCE):
        await asyncio.sleep(pause)
        now = await read()
        if now is None or _is_settled(grant, now):
            return now
        if postponed_until(now) is not None:
            return None
    return None


def _is_settled(before: UserToken, now: UserToken) -> bool:
    return now.generation != before.generation or not is_refreshable(now)
