"""How the children of a prefork worker fare, for their parent, which alone answers for the worker.

Each child has a place in memory that all of them share: the moment by which the first of its parts is overdue. The clock is the
system's, the same for all processes.
"""

import math
import mmap
import struct
import time
from collections.abc import Callable
from typing import Final

PLACES: Final = 512
_PLACE: Final = struct.Struct("d")


class PoolVitals:
    """Made by the parent before it forks."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._memory = mmap.mmap(-1, PLACES * _PLACE.size)
        for index in range(PLACES):
            self._write(index, math.inf)

    def mirror_of(self, index: int) -> Callable[[float], None]:
        """What the child with this index in the pool tells its deadline to. Children beyond ``PLACES`` are not judged. Whoever
        had the place before is gone."""
        if not 0 <= index < PLACES:
            return lambda _deadline: None
        self._write(index, math.inf)
        return lambda deadline: self._write(index, deadline)

    def overdue(self) -> int:
        """How many children have a part that stands still."""
        now = self._clock()
        return sum(deadline < now for (deadline,) in _PLACE.iter_unpack(self._memory[:]))

    def _write(self, index: int, deadline: float) -> None:
        _PLACE.pack_into(self._memory, index * _PLACE.size, deadline)
