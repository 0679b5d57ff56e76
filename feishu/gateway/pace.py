"""Letting many connections begin one after the other."""

import asyncio
from collections.abc import Callable
from typing import Final

from feishu.gateway.sleep import counting_sleep

STEP: Final = 0.008
"""Seconds between two beginnings: about twice what one takes of a processor."""


class Pace:
    """Gives turns that are ``step`` seconds apart.

    When hundreds of sockets break in the same instant, hundreds of answers would else come in the same instant, too,
    and hold the event loop until the last of them is handled. Nobody waits for anybody to finish: who hangs delays
    nobody.
    """

    def __init__(self, step: float = STEP, clock: Callable[[], float] = counting_sleep) -> None:
        self._step = step
        self._clock = clock
        self._next = clock()

    async def turn(self) -> None:
        """Wait for one's turn."""
        now = self._clock()
        mine = max(now, self._next)
        self._next = mine + self._step
        if mine > now:
            await asyncio.sleep(mine - now)
