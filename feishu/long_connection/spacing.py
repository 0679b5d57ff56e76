"""Letting many connections begin, and end, one after the other.

When hundreds of sockets break in the same instant, hundreds are to be taken down in one turn of the event loop, and
hundreds of answers come in another; each time the loop would be held until the last of them is handled, and with it
the acknowledgements of every bot that is well. Nobody waits for anybody to finish: who hangs delays nobody.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Final

BEGINNING: Final = 0.008
"""Seconds between two beginnings: about twice what one takes of a processor."""
ENDING: Final = 0.003
"""Seconds between two ends: several times what one takes, and still 300 within a second."""


class Spacing:
    """Gives turns in the order in which they were asked for, at least ``step`` seconds apart; for one event loop.

    Counted from when a turn was really given: after the loop was held up, turns are late, but none come at once.
    """

    def __init__(self, step: float) -> None:
        self._step = step
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._resting = False

    async def turn(self) -> None:
        """Wait for one's turn."""
        if not self._resting:
            self._rest()
            return
        mine = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        await mine

    def _rest(self) -> None:
        self._resting = True
        asyncio.get_running_loop().call_later(self._step, self._give)

    def _give(self) -> None:
        self._resting = False
        while self._waiting and not self._resting:
            first = self._waiting.popleft()
            if not first.done():  # else it was cancelled, and owes the others nothing
                first.set_result(None)
                self._rest()


@dataclass(frozen=True, slots=True)
class Turns:
    """What all connections of a process share."""

    beginning: Spacing = field(default_factory=lambda: Spacing(BEGINNING))
    ending: Spacing = field(default_factory=lambda: Spacing(ENDING))
