"""When a worker polls for work: at a notification, when a handler has ended and something waits for its place, and by the
clock.

A poll costs a dozen statements. So an end alone is no reason for one, and ends that follow each other closely are
followed up by one poll together.
"""

import threading
import time
from collections.abc import Callable
from enum import IntEnum

GATHER = 0.005  # seconds that an end waits for others, while many handlers run
AGAIN = 0.5  # seconds to the next poll where something waits for a place, or was found: a notification may have been shed
ELSEWHERE = 0.05  # the same where another process was scheduling the bots that have work


class PollResult(IntEnum):
    """What a poll came to; of several parts the highest counts."""

    NOTHING = 0
    """Nothing was due."""
    FOUND = 1
    """Events were dispatched or runs claimed."""
    HELD = 2
    """Another process was scheduling a bot with work."""
    FULL = 3
    """Something that is due waits for a place under the concurrency limit."""
    PASSED = 4
    """As FULL, and runs of other handlers were found behind those that wait: there may be more."""


class Poller:
    """``notify``, ``look_up`` and ``run_ended`` may be called on any thread, everything else on the worker's."""

    def __init__(self) -> None:
        self._woken = threading.Event()
        self._is_notified = True
        self._has_ended = False
        self._at = time.monotonic()
        self._passes_full_at = self._at
        self.result = PollResult.NOTHING
        """Of the last poll."""
        self.passes_full = True
        """Whether this poll looks behind runs whose handlers have their share. They may be many, with nothing behind
        them: then once in a while is enough."""

    def notify(self) -> None:
        """There may be something to do."""
        self._is_notified = True
        self._woken.set()

    def look_up(self) -> None:
        """There is something to see to, which is no reason to poll."""
        if not self._woken.is_set():
            self._woken.set()

    def run_ended(self) -> None:
        """A handler has ended, or was given up."""
        self._has_ended = True
        self._woken.set()

    def is_due(self) -> bool:
        is_wanted = self._has_ended and self.result >= PollResult.FULL
        return self._is_notified or is_wanted or time.monotonic() >= self._at

    def begin(self) -> None:
        """A poll begins: what happens from now on asks for another one, and so does the clock until it has ended well."""
        now = time.monotonic()
        self.passes_full = self.result == PollResult.PASSED or now >= self._passes_full_at
        if self.passes_full:
            self._passes_full_at = now + AGAIN
        self._is_notified = self._has_ended = False
        self.result = PollResult.NOTHING
        self._at = now

    def settle(self, result: PollResult, *, most: float, next_due: Callable[[], float]) -> None:
        """A poll has ended: the next one is due after ``most`` seconds, or before. ``next_due`` returns in how many
        seconds something is due that is not yet; it is not asked where that would be no sooner than another poll."""
        self.result = result
        if result >= PollResult.FULL:
            wait = AGAIN
        elif result == PollResult.HELD:
            wait = ELSEWHERE
        else:
            wait = min(next_due(), AGAIN if result == PollResult.FOUND else most)
        self._at = time.monotonic() + min(wait, most)

    @property
    def seconds(self) -> float:
        """Until a poll is due by the clock."""
        return self._at - time.monotonic()

    def wait(self, seconds: float, is_busy: Callable[[], bool]) -> None:
        """Until there may be something to see to, or so many seconds. While ``is_busy``, a little longer, so that handlers
        which end one after the other are followed up together."""
        if self._woken.wait(seconds):
            until = time.monotonic() + GATHER
            while is_busy() and (left := until - time.monotonic()) > 0:
                self._woken.clear()
                self._woken.wait(left)
        self._woken.clear()
