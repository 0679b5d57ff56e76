"""Log lines about a trouble that repeats: the first at once, then one in a while that says how many there were."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

EVERY: Final = 60.0
"""Seconds between two lines about the same."""
MAX_KEYS: Final = 1_000


class LogPace:
    """Thread-safe. Keys tell one trouble from another; beyond ``MAX_KEYS`` the oldest are forgotten."""

    def __init__(self, *, every: float = EVERY, clock: Callable[[], float] = time.monotonic) -> None:
        self._every = every
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def admits(self, key: Hashable = None) -> int | None:
        """How many lines were left out since the last one, where this one may be written; None where it is left out."""
        with self._lock:
            now = self._clock()
            logged_at, unlogged = self._known.get(key, (float("-inf"), 0))
            if now - logged_at < self._every:
                self._known[key] = (logged_at, unlogged + 1)
                return None
            self._known[key] = (now, 0)
            self._known.move_to_end(key)
            if len(self._known) > MAX_KEYS:
                self._known.popitem(last=False)
            return unlogged
