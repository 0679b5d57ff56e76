"""Waiting for something that only the database knows, by asking with growing pauses until a deadline."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class GrowingPauses:
    """Pauses between two questions, in seconds: the first, and the longest that it grows to."""

    first: float
    longest: float

    def within(self, seconds: float) -> Iterator[float]:
        """Pauses to sleep before asking again, none behind the deadline; the last one ends at it.

        The time that asking takes counts. There is always one, so that who waits asks at least once::

            for pause in PAUSES.within(10):
                await asyncio.sleep(pause)
                ...
        """
        deadline, pause = time.monotonic() + seconds, self.first
        yield max(0.0, min(pause, seconds))
        while (left := deadline - time.monotonic()) > 0:
            pause = min(pause * GROWTH, self.longest)
            yield min(pause, left)
