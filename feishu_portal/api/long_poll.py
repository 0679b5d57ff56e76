"""Long polls: a caller waits for a change and holds nothing meanwhile but its own connection to the portal."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from core.background.limits import ConcurrencyLimits
from feishu_portal.api.problems import Problem

T = TypeVar("T")

MAX_WAITING = 200  # callers in one process
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 2.0  # seconds between looks; somebody who waits long is not in a hurry
RETRY_AFTER = 5  # seconds

_room = ConcurrencyLimits()


async def until(look: Callable[[], Awaitable[T]], is_done: Callable[[T], bool], *, seconds: float) -> T:
    """What ``look`` sees once ``is_done`` says so, or after ``seconds``. Raises Problem 429 where too many wait."""
    full = Problem(
        429,
        "too_many_waiting",
        "Too many callers are waiting. Ask again shortly, or without wait.",
        headers={"Retry-After": str(RETRY_AFTER)},
    )
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + seconds, FIRST_PAUSE
    with _room.place("", limit=MAX_WAITING, full=full):
        while True:
            await asyncio.sleep(max(0.0, min(pause, deadline - loop.time())))
            seen = await look()
            if is_done(seen) or loop.time() >= deadline:
                return seen
            pause = min(pause * 1.5, LONGEST_PAUSE)
