"""Attempts that do not count, because the database failed and not the handler.

Each is made again, soon at first. There is an end to it: a handler whose own statement brings the server down would do so
for ever. After ``PAUSES`` the attempts of a run count, with the error of the database as their reason.
"""

import threading
from collections import OrderedDict
from datetime import timedelta

from core.background.retry import RetrySchedule
from events.models import HandlerRun

PAUSES = RetrySchedule((2, 5, 10, 20, 30, 60, 60, 60, 60, 60))
MAX_KNOWN = 10_000
"""Runs that are remembered, those that failed last."""


class UncountedAttempts:
    """Of the runs of one process; from any thread."""

    def __init__(self) -> None:
        self._made: OrderedDict[int, int] = OrderedDict()
        self._lock = threading.Lock()

    def pause(self, run: HandlerRun) -> timedelta | None:
        """The run's attempt failed for our own reasons: how long to wait before the next one, None where this one counts."""
        with self._lock:
            made = self._made.setdefault(run.pk, 0)
            self._made.move_to_end(run.pk)
            if made >= len(PAUSES.pauses):
                return None
            self._made[run.pk] = made + 1
            if len(self._made) > MAX_KNOWN:
                self._made.popitem(last=False)
        return PAUSES.pause_after(made + 1)
