"""When a runner looks for work: at a hint, when a handler has ended and something waits for its room, and by the clock.

A look costs a dozen statements. So an end alone is no reason for one, and ends that follow each other closely are
followed up by one look together.
"""

import threading
import time
from collections.abc import Callable

from events.handling.scheduler import Served

GATHER = 0.005  # seconds that an end waits for others, while many handlers run
AGAIN = 0.5  # seconds after which to look again where something waits for room, or was found: a hint may have been left out
ELSEWHERE = 0.05  # the same where somebody else was serving the bots that have work


class Lookout:
    """``hint`` and ``end`` may be called on any thread, everything else on the runner's."""

    def __init__(self) -> None:
        self._woken = threading.Event()
        self._is_hinted = True
        self._has_ended = False
        self._at = time.monotonic()
        self.is_short = False
        """Whether the last look left something that is due, for want of room."""
        self.is_held = False
        """Whether somebody else was serving a bot with work."""
        self.has_found = False
        """Whether the last look found something to do."""
        self.is_behind = False
        """Whether the last look found something behind what has to wait for room."""
        self.is_thorough = True
        """Whether to look behind that. Often it is long, and there is nothing: then once in a while is enough."""
        self._thorough_at = time.monotonic()

    def hint(self) -> None:
        """There may be something to do."""
        self._is_hinted = True
        self._woken.set()

    def end(self) -> None:
        """A handler has ended, or was given up on."""
        self._has_ended = True
        self._woken.set()

    def is_due(self) -> bool:
        return self._is_hinted or (self.is_short and self._has_ended) or time.monotonic() >= self._at

    def begin(self) -> None:
        """A look begins: what happens from now on asks for another one, and so does the clock until it has ended well."""
        now = time.monotonic()
        self.is_thorough = self.is_behind or now >= self._thorough_at
        if self.is_thorough:
            self._thorough_at = now + AGAIN
        self._is_hinted = self._has_ended = self.is_behind = False
        self.is_short = self.is_held = self.has_found = False
        self._at = now

    def note(self, served: Served) -> None:
        """What a turn of some bots came to, of those that make up the look."""
        self.has_found |= bool(served.dispatched or served.claimed)
        self.is_short |= served.is_short
        self.is_held |= served.is_held
        self.is_behind |= served.is_behind

    def settle(self, most: float, next_try: Callable[[], float]) -> None:
        """A look has ended: the next one is due after ``most`` seconds, or before. ``next_try`` says when something is due
        that is not yet; it is not asked where that would be no sooner than another look."""
        if self.is_short:
            wait = AGAIN
        elif self.is_held:
            wait = ELSEWHERE
        else:
            wait = min(next_try(), AGAIN if self.has_found else most)
        self._at = time.monotonic() + min(wait, most)

    @property
    def seconds(self) -> float:
        """Until a look is due by the clock."""
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
