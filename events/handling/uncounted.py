"""Attempts that do not count, because the database failed and not the handler.

Each is made again, soon at first. There is an end to it: a handler whose own statement brings the server down would do so
for ever. After ``PAUSES`` the attempts of a run count, with the error of the database as their reason.
"""

from datetime import timedelta

from core.background.retry import RetrySchedule
from events.models import HandlerRun

PAUSES = RetrySchedule((2, 5, 10, 20, 30, 60, 60, 60, 60, 60))
MAX_KNOWN = 10_000  # runs that are remembered


class UncountedAttempts:
    """Of the runs of one process; from any thread."""

    def __init__(self) -> None:
        self._made: dict[int, int] = {}

    def pause(self, run: HandlerRun) -> timedelta | None:
        """The run's attempt failed for our own reasons: how long to wait before the next one, None where this one counts."""
        made = self._made.get(run.pk, 0)
        if made >= len(PAUSES.pauses):
            return None
        if len(self._made) >= MAX_KNOWN:
            self._made.clear()
        self._made[run.pk] = made + 1
        return PAUSES.pause_after(made + 1)
