"""When a failed attempt is repeated."""

import random
from dataclasses import dataclass
from datetime import timedelta

LONGER_BY = 0.2
"""A pause may be longer by up to so much of it, never shorter, so that a crowd does not come back as one."""


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """Pauses between attempts, in seconds: the first after the first attempt, and so on; the last one repeats.

    Whoever gives up after the last pause asks ``is_exhausted``; ``max_attempts`` says how often that is in all.
    """

    pauses: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.pauses:
            raise ValueError("A retry schedule needs at least one pause.")

    @property
    def max_attempts(self) -> int:
        """How many attempts there are where the last pause does not repeat."""
        return len(self.pauses) + 1

    def is_exhausted(self, attempts: int) -> bool:
        """Whether no pause is left after that many failed attempts."""
        return attempts >= self.max_attempts

    def pause_after(self, attempts: int) -> timedelta:
        """How long to wait after the failed attempt number ``attempts``, counted from 1."""
        pause = self.pauses[min(max(attempts, 1), len(self.pauses)) - 1]
        return timedelta(seconds=pause * random.uniform(1.0, 1.0 + LONGER_BY))  # noqa: S311 -- jitter, no secret
