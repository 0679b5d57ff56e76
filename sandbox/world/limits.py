"""How often something may happen: sliding windows, one per key."""

from collections import OrderedDict, deque
from collections.abc import Callable

_KEPT = 20_000


class Window:
    """At most `limit` times in any `seconds`, for each key by itself."""

    def __init__(self, limit: int, seconds: float, clock: Callable[[], float]) -> None:
        self.limit = limit
        self.seconds = seconds
        self._clock = clock
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, key: str) -> float:
        """Take one; 0 when allowed, else the seconds until the next is."""
        now = self._clock()
        times = self._times.setdefault(key, deque(maxlen=self.limit))
        self._times.move_to_end(key)
        if len(self._times) > _KEPT:
            self._times.popitem(last=False)
        if len(times) == self.limit and now - times[0] < self.seconds:
            return self.seconds - (now - times[0])
        times.append(now)
        return 0.0
