"""Keeping a rate: so many a second, however many processes share the row that remembers the next start.

The generic cell rate algorithm: one time is kept, at which the next may start. What is not used is not lost for
``burst``, so that a rate of 5 lets five start at once after a quiet second.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)


def steady_now() -> datetime:
    """Now, for a rate that one process keeps by itself: by a clock that nobody sets. A wall clock that is set back would
    hold up the next start for as long."""
    return datetime.fromtimestamp(time.monotonic(), UTC)


@dataclass(frozen=True, slots=True)
class Pace:
    """``rate`` a second, above 0; ``burst`` is how much unused time may be made up for, at least one spacing."""

    rate: float
    burst: timedelta = timedelta(seconds=1)

    @property
    def spacing(self) -> timedelta:
        """The time between two starts."""
        return timedelta(seconds=1 / self.rate)

    def allowed(self, next_start: datetime | None, now: datetime) -> int:
        """How many may start now; ``next_start`` is what ``after`` returned last, None at first."""
        begin = self._begin(next_start, now)
        return 0 if begin > now else 1 + (now - begin) // self.spacing

    def after(self, next_start: datetime | None, now: datetime, started: int) -> datetime:
        """When the next may start, now that ``started`` more have."""
        return self._begin(next_start, now) + started * self.spacing

    @contextmanager
    def kept(self) -> Iterator[None]:
        """For a thread that does one after the other: sleeps after what is done inside, until the next may start."""
        began = time.monotonic()
        try:
            yield
        finally:
            time.sleep(max(0.0, self.spacing.total_seconds() - (time.monotonic() - began)))

    def _begin(self, next_start: datetime | None, now: datetime) -> datetime:
        earliest = now - max(self.burst - self.spacing, timedelta())
        return earliest if next_start is None else max(next_start, earliest)


class PaceOfEach(Generic[K]):
    """The same pace for each of many, kept by this process alone: enough where the point is that nobody floods it. Beyond
    ``MAX_KEYS`` those that came longest ago are forgotten. Thread-safe."""

    MAX_KEYS: Final = 10_000

    def __init__(self, pace: Pace, *, clock: Callable[[], datetime] = steady_now) -> None:
        self._pace = pace
        self._clock = clock
        self._lock = threading.Lock()
        self._next: OrderedDict[K, datetime] = OrderedDict()

    def start(self, key: K) -> float:
        """Start one of ``key``: 0.0 where it may, else the seconds after which it may, and then nothing has started."""
        with self._lock:
            now, next_start = self._clock(), self._next.get(key)
            if not self._pace.allowed(next_start, now):
                return ((next_start or now) - now).total_seconds()
            self._next[key] = self._pace.after(next_start, now, 1)
            self._next.move_to_end(key)
            if len(self._next) > self.MAX_KEYS:
                self._next.popitem(last=False)
            return 0.0
