"""Log lines about a trouble that repeats: the first at once, then one in a while that says how many there were.

Where the lines of one logger and event are one trouble, ``extra=... | THINNED`` is enough: the log itself thins them, and
by itself those that carry the exception of an outage. A `LogPace` of its own tells more troubles apart, e.g. those of bots.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)

EVERY: Final = 60.0
"""Seconds between two lines about the same."""
MAX_KEYS: Final = 1_000


THINNED: Final[dict[str, Any]] = {"thinned": True}
"""In ``extra``: write one line a minute of this logger, event and kind of error. See ``feishu_portal.logs``."""


class LogPace(Generic[K]):
    """Thread-safe. Keys tell one trouble from another; beyond ``MAX_KEYS`` the oldest are forgotten."""

    def __init__(self, *, every: float = EVERY, clock: Callable[[], float] = time.monotonic) -> None:
        self._every = every
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[K, tuple[float, int]] = OrderedDict()

    def admits(self, key: K) -> int | None:
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

    def rest(self) -> list[tuple[K, int]]:
        """What no line has counted yet, by key, for lines at the end of the work. Counting begins at zero again."""
        with self._lock:
            rest = [(key, unlogged) for key, (_at, unlogged) in self._known.items() if unlogged]
            self._known.clear()
            return rest
