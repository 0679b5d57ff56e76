"""How many handlers one process runs at once, how many of them may be the same one, and how many runs each place is given."""

import threading
from collections import Counter
from typing import TypeAlias
from uuid import UUID

HandlerKey: TypeAlias = tuple[UUID, str]
"""A bot and the name of one of its handlers."""

AHEAD_SECONDS = 0.05
"""For about so long the runs that one thread is given take together: the longer, the fewer statements for each run, and
the longer a run waits behind others while threads are idle elsewhere."""
AHEAD_OF_MANY_SECONDS = 0.2
"""The same where the handler has its share of the threads, so that more of its runs would wait anyway."""
MAX_AHEAD = 64  # runs given to one thread at once
SLOWEST_WEIGHT = 0.3  # of a new duration that is shorter than the average so far; a longer one counts in full
MAX_KNOWN = 10_000  # handlers of bots whose durations are remembered


class Place:
    """One place under a limit: a thread. Whoever drops what it was taken for releases it; once more does no harm."""

    __slots__ = ("_limit", "key")

    def __init__(self, limit: "ConcurrencyLimit", key: HandlerKey) -> None:
        self._limit: ConcurrencyLimit | None = limit
        self.key = key

    def release(self) -> None:
        limit, self._limit = self._limit, None
        if limit is not None:
            limit.give_back(self.key)


class ConcurrencyLimit:
    """Counts the threads of a process by the bot and handler that they run.

    A handler gets at most three quarters of all places, whichever bots it runs for, and for one bot at most half of what
    the others leave. One that hangs takes half of the threads, a second one a quarter, and so on: there is a place for
    another one almost whatever hangs.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._taken: Counter[HandlerKey] = Counter()
        self._lock = threading.Lock()

    @property
    def free(self) -> int:
        with self._lock:
            return max(0, self.size - self._taken.total())

    def take(self, key: HandlerKey) -> Place | None:
        """A place for this handler of this bot; None while it has its share."""
        with self._lock:
            total, own = self._taken.total(), self._taken[key]
            same = sum(count for (_bot, handler), count in self._taken.items() if handler == key[1])
            if (
                total >= self.size
                or same >= max(1, self.size * 3 // 4)
                or own >= max(1, (self.size - total + own) // 2)
            ):
                return None
            self._taken[key] += 1
        return Place(self, key)

    def take_beyond(self, key: HandlerKey) -> Place:
        """A place whatever the handler's share, for what must not wait."""
        with self._lock:
            self._taken[key] += 1
        return Place(self, key)

    def give_back(self, key: HandlerKey) -> None:
        """For ``Place.release`` alone."""
        with self._lock:
            self._taken[key] -= 1
            if self._taken[key] <= 0:
                del self._taken[key]

    def running(self) -> list[HandlerKey]:
        """Handlers that have a place."""
        with self._lock:
            return [key for key, count in self._taken.items() if count]


class RunDurations:
    """How long the handlers of a process take, and so how many runs one thread may be given at once.

    A handler that nobody knows gets one run at a time. What is slower than before counts at once, what is faster bit by
    bit: runs that wait behind a slow one on the same thread could run elsewhere.
    """

    def __init__(self) -> None:
        self._seconds: dict[HandlerKey, float] = {}

    def note(self, key: HandlerKey, seconds: float) -> None:
        """A run of this handler has taken that long; from the thread that ran it."""
        before = self._seconds.get(key)
        if before is None and len(self._seconds) >= MAX_KNOWN:
            self._seconds.clear()
        if before is not None and seconds < before:
            seconds = before + (seconds - before) * SLOWEST_WEIGHT
        self._seconds[key] = seconds

    def ahead(self, key: HandlerKey, *, of_many: bool = False) -> int:
        """How many runs of this handler one thread is given at once; ``of_many``: where the handler has its share."""
        seconds = self._seconds.get(key)
        if seconds is None:
            return 1
        together = AHEAD_OF_MANY_SECONDS if of_many else AHEAD_SECONDS
        return max(1, min(MAX_AHEAD, int(together / max(seconds, 1e-6))))
