"""How many handlers one process runs at once, and how many of them may be the same one."""

import threading
from collections import Counter
from typing import TypeAlias
from uuid import UUID

HandlerKey: TypeAlias = tuple[UUID, str]
"""A bot and the name of one of its handlers."""


class Place:
    """One place under a limit. Whoever drops what it was taken for releases it; once more does no harm."""

    __slots__ = ("_limit", "key")

    def __init__(self, limit: "ConcurrencyLimit", key: HandlerKey) -> None:
        self._limit: ConcurrencyLimit | None = limit
        self.key = key

    def release(self) -> None:
        limit, self._limit = self._limit, None
        if limit is not None:
            limit.give_back(self.key)


class ConcurrencyLimit:
    """Counts what a process runs by bot and handler.

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
        """A place for one more run of this handler for this bot; None while it has its share."""
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
