"""How evenly the heartbeats of one connection come, and when the next one is overdue. Pure."""

from collections import deque
from datetime import datetime, timedelta
from statistics import fmean, pstdev
from typing import Any, Final

LATEST: Final = 20
"""Intervals that count."""
ENOUGH: Final = 2
"""Intervals below which there is no deviation to speak of."""

LATE: Final = 120.0
"""Seconds without a heartbeat that are abnormal; longer where the platform itself asks for longer intervals."""
LATE_MARGIN: Final = 10.0

NO_HEARTBEATS: Final[dict[str, Any]] = {
    "heartbeats": 0,
    "heartbeat_intervals": [],
    "heartbeat_average": None,
    "heartbeat_deviation": None,
    "heartbeat_due_at": None,
}
"""The columns of a connection that has received none yet."""


def heartbeat_due_at(last: datetime, *, expected: float = 0.0) -> datetime:
    """When the next heartbeat is overdue; ``expected`` is the interval that the platform asks for, in seconds."""
    return last + timedelta(seconds=max(LATE, expected + LATE_MARGIN))


class Rhythm:
    """The heartbeats of one connection."""

    def __init__(self) -> None:
        self._count = 0
        self._intervals: deque[float] = deque(maxlen=LATEST)

    def beat(self, interval: float | None) -> dict[str, Any]:
        """Count one, `interval` seconds after the last; the columns of the slot that say how things stand.

        None: there is no last one to measure from, or the platform has set another rhythm since.
        """
        self._count += 1
        if interval is None:
            self._intervals.clear()
        else:
            self._intervals.append(round(interval, 3))
        intervals = list(self._intervals)
        return {
            "heartbeats": self._count,
            "heartbeat_intervals": intervals,
            "heartbeat_average": round(fmean(intervals), 3) if intervals else None,
            "heartbeat_deviation": round(pstdev(intervals), 3) if len(intervals) >= ENOUGH else None,
        }
