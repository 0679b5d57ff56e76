"""Concurrency limits: how many may be at something at once, in one process."""

import threading
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager


class ConcurrencyLimits:
    """Counts places that are taken, by key. May be used from any thread."""

    def __init__(self) -> None:
        self._taken: Counter[Hashable] = Counter()
        self._lock = threading.Lock()

    def taken(self, key: Hashable) -> int:
        """How many places of ``key`` are taken."""
        with self._lock:
            return self._taken[key]

    def refuse_if_full(self, key: Hashable, *, limit: int, full: Exception) -> None:
        """Raises ``full`` when ``limit`` places are taken; takes none. For an answer that can be refused only before it
        begins, and takes its place when it does."""
        if self.taken(key) >= limit:
            raise full

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
