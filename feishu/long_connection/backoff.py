"""When to try again, and when a person is needed. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

FIRST: Final = 1.0
LONGEST: Final = 60.0
PATIENCE: Final = 5
"""Failures in a row after which a person is needed."""


def delays(random: Callable[[], float], *, first: float = FIRST, longest: float = LONGEST) -> Iterator[float]:
    """Seconds to wait: at first a jitter of up to `first`, then doubling to `longest`, each ± 25 %.

    A new iterator starts over. `random` yields numbers from 0 to 1. After an outage the jitter keeps many
    bots from coming back in the same instant.
    """
    yield first * random()
    delay = 2 * first
    while True:
        yield min(delay * (0.75 + 0.5 * random()), longest)
        delay = min(2 * delay, longest)


@dataclass(frozen=True, slots=True)
class NextAttempt:
    """After a failure: its number in a row, whether it needs a person, seconds until the next attempt."""

    attempt: int
    fatal: bool
    retry_in: float


class Schedule:
    """Consecutive failures of one connection."""

    def __init__(
        self, random: Callable[[], float], *, first: float = FIRST, longest: float = LONGEST
    ) -> None:
        self._random = random
        self._first = first
        self._longest = longest
        self._failures = 0
        self._after_failure = self._delays()
        self._after_drop = self._delays()

    def failed(self, *, fatal: bool, at_least: float = 0.0) -> NextAttempt:
        """An attempt failed. `fatal`: the configuration is wrong, so there is no hurry."""
        self._failures += 1
        delay = next(self._after_failure)
        slow = fatal or self._failures >= PATIENCE
        retry_in = max(self._longest if slow else delay, at_least)
        return NextAttempt(self._failures, slow, retry_in)

    def succeeded(self) -> None:
        """A frame came: what failed before no longer counts."""
        self._failures = 0
        self._after_failure = self._delays()

    def dropped(self, *, lasted: bool) -> float:
        """A connection that worked has ended; seconds until the next attempt.

        At once, more or less, unless one connection after the other ends before it has `lasted`.
        """
        if lasted:
            self._after_drop = self._delays()
        return next(self._after_drop)

    def forget(self) -> None:
        """Start over: something else than the platform's answers says that it is time."""
        self._failures = 0
        self._after_failure = self._delays()
        self._after_drop = self._delays()

    def _delays(self) -> Iterator[float]:
        return delays(self._random, first=self._first, longest=self._longest)
