"""Concurrency limits: how many may be at something at once, in one process."""

import threading
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

SHARE: Final = 4
"""A client, an operator, a bot or an address has a quarter at most of places that all share."""


_ALL: Final = object()


class ConcurrencyLimits:
    """Counts places that are taken, by key. May be used from any thread."""

    def __init__(self) -> None:
        self._taken: Counter[Hashable] = Counter()
        self._lock = threading.Lock()

    def taken(self, key: Hashable) -> int:
        """How many places of ``key`` are taken."""
        with self._lock:
            return self._taken[key]

    @contextmanager
    def place(self, key: Hashable, *, limit: int, full: Exception) -> Iterator[None]:
        """A place while the block runs; raises ``full`` at once when ``limit`` are taken, because waiting would only
        move the queue to where nobody sees it."""
        with self._lock:
            if self._taken[key] >= limit:
                raise full
            self._taken[key] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[key] -= 1
                if not self._taken[key]:
                    del self._taken[key]

    @contextmanager
    def fair_place(self, *takers: Hashable, limit: int, full: Exception) -> Iterator[None]:
        """A place of the ``limit`` that all keys share, while the block runs; each of ``takers``, e.g. an API client and a bot,
        has a quarter of them at most. Raises ``full`` at once."""
        with ExitStack() as places:
            places.enter_context(self.place(_ALL, limit=limit, full=full))
            for taker in takers:
                places.enter_context(self.place(taker, limit=max(1, limit // SHARE), full=full))
            yield
