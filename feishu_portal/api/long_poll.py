"""Long polls: a caller waits for a change, and holds neither a thread nor a database connection meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import TypeVar

from core.background.limits import ConcurrencyLimits
from core.background.stopping import stopping
from core.background.waiting import GrowingPauses
from feishu_portal.api.problems import Problem

T = TypeVar("T")

MAX_WAITING = 200  # callers in one process
PAUSES = GrowingPauses(first=0.25, longest=2.0)
RETRY_AFTER = 5  # seconds

_limits = ConcurrencyLimits()


async def until(
    read: Callable[[], Awaitable[T]], is_done: Callable[[T], bool], *, seconds: float, client: Hashable
) -> T:
    """What ``read`` returns once ``is_done`` is true of it, after ``seconds``, or when the process is to end. Raises Problem 429
    where too many wait, of all callers or of this ``client``."""
    full = Problem(
        429,
        "too_many_waiting",
        "Too many callers are waiting. Ask again shortly, or without wait.",
        headers={"Retry-After": str(RETRY_AFTER)},
    )
    with _limits.fair_place(client, limit=MAX_WAITING, full=full):
        for pause in PAUSES.within(seconds):
            await asyncio.sleep(pause)
            found = await read()
            if is_done(found) or stopping.is_asked:
                break
    return found
