"""Noticing that the machine has slept: its sockets are dead then, and nobody will tell them so. Pure."""

import time
from collections.abc import Callable
from typing import Final

CHECK_EVERY: Final = 1.0
"""Seconds between checks."""
ASLEEP: Final = 5.0
"""Seconds of sleep that are worth a new connection."""
JUMPED: Final = 60.0
"""Seconds by which the time of day may be set right without meaning that the machine stood still, as a paused one does."""


def counting_sleep() -> float:
    """Seconds on a clock that also counts while the machine sleeps, where there is one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class SleepWatch:
    """Compares a clock that stops during sleep with two that do not."""

    def __init__(
        self,
        *,
        awake: Callable[[], float] = time.monotonic,
        always: Callable[[], float] = counting_sleep,
        of_day: Callable[[], float] = time.time,
    ) -> None:
        self._awake = awake
        self._always = always
        self._of_day = of_day
        self._always_ahead, self._day_ahead = self._ahead()

    def slept(self) -> float:
        """Seconds for which the machine stood still since the last check; 0 if it did not, or hardly."""
        before, day_before = self._always_ahead, self._day_ahead
        self._always_ahead, self._day_ahead = self._ahead()
        slept, jumped = self._always_ahead - before, self._day_ahead - day_before
        if slept >= ASLEEP:
            return slept
        return jumped if jumped >= JUMPED else 0.0

    def _ahead(self) -> tuple[float, float]:
        awake = self._awake()
        return self._always() - awake, self._of_day() - awake
