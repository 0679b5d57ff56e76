"""The handlers that a process runs, and giving up on those past their time.

A handler that hangs may hold a lock that others wait for, on SQLite the one lock of all writers. The worker's own thread
may be among those others, so a thread that never waits for a database watches.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from events.handling.claims import ClaimedRun
from events.handling.concurrency import HandlerKey
from events.handling.registry import Registration
from events.handling.threads import HandlerThreads, Job
from events.models import HandlerRun

logger = logging.getLogger(__name__)

CANCEL_SECONDS = 1.0  # that an async handler gets to be cancelled in
ALONE = 1.0  # seconds that a run which lost its worker is left alone in a process


@dataclass(slots=True, eq=False)
class WatchedRun:
    """A claimed run on its thread, from ``started`` on. ``is_suspect``: its last worker was lost."""

    claimed: ClaimedRun
    handler: Registration
    is_suspect: bool = False
    started: float = field(default_factory=time.monotonic)
    job: Job | None = None
    deadline: float = field(init=False)

    def __post_init__(self) -> None:
        cancelling = CANCEL_SECONDS if self.handler.is_async else 0.0
        self.deadline = self.started + self.handler.seconds + cancelling

    @property
    def run(self) -> HandlerRun:
        return self.claimed.run


class Watchdog:
    """What runs in one process. Each run is over once: when its handler comes to an end, or when it is given up.

    ``on_end`` is called when one is. Those past their time wait in ``next_timed_out`` until somebody notes it in the
    database.
    """

    def __init__(self, *, on_end: Callable[[], None]) -> None:
        self._on_end = on_end
        self._threads = HandlerThreads("handler")
        self._running: dict[int, WatchedRun] = {}
        self._timed_out: list[WatchedRun] = []
        self._hung: Counter[HandlerKey] = Counter()
        # Handler threads take the lock itself: one that is interrupted inside a Condition's own code would keep it.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._watched_until: float | None = None
        self._is_closed = False

    def start(self) -> None:
        """Start the thread that watches; once."""
        threading.Thread(target=self._watch, name="handler-watchdog", daemon=True).start()

    def begin(self, watched: WatchedRun, work: Callable[[WatchedRun], None]) -> None:
        """Do the work on a thread of its own, which calls ``end`` when it is done."""
        with self._changed:
            self._running[watched.run.pk] = watched
            watched.job = self._threads.start(partial(work, watched))
            if self._watched_until is None or watched.deadline < self._watched_until:
                self._changed.notify()

    def end(self, watched: WatchedRun) -> None:
        """From the handler's thread: it has come to an end."""
        with self._lock:
            if self.is_over(watched):
                self._hung[watched.claimed.place.key] -= 1
            else:
                self._drop(watched)
        self._on_end()

    def is_over(self, watched: WatchedRun) -> bool:
        """Whether it was given up, or is done."""
        with self._lock:
            return self._running.get(watched.run.pk) is not watched

    def _drop(self, watched: WatchedRun) -> None:
        del self._running[watched.run.pk]
        watched.claimed.place.release()

    # --- giving up

    def _watch(self) -> None:
        with self._changed:
            while not self._is_closed:
                now = time.monotonic()
                for watched in [one for one in self._running.values() if one.deadline <= now]:
                    logger.error(
                        "handler_timed_out", extra={"handler": watched.handler.name, "run": watched.run.pk}
                    )
                    self._give_up(watched)
                    self._timed_out.append(watched)
                    self._on_end()
                # Not woken for every run: most end long before, and the next one's time is up after theirs.
                self._watched_until = min((one.deadline for one in self._running.values()), default=None)
                self._changed.wait(self._watched_until and max(0.0, self._watched_until - time.monotonic()))

    def _give_up(self, watched: WatchedRun) -> None:
        self._hung[watched.claimed.place.key] += 1
        self._drop(watched)
        if watched.job is not None:
            self._threads.leave(watched.job)

    def next_timed_out(self) -> WatchedRun | None:
        """One that was past its time and that nobody has noted yet."""
        with self._lock:
            return self._timed_out.pop() if self._timed_out else None

    def put_back_timed_out(self, watched: WatchedRun) -> None:
        """It could not be noted now."""
        with self._lock:
            self._timed_out.append(watched)

    def give_up_all(self) -> list[WatchedRun]:
        """Give up everything that runs, because the process ends; what that was."""
        with self._lock:
            running = list(self._running.values())
            for watched in running:
                self._give_up(watched)
            return running

    def close(self) -> None:
        """Watch nothing more, and end the threads as they become idle."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._threads.close()

    # --- how it stands

    @property
    def running(self) -> list[WatchedRun]:
        with self._lock:
            return list(self._running.values())

    @property
    def hung(self) -> int:
        """How many threads were left behind and have not come back."""
        return self._threads.hung

    def hung_of(self, key: HandlerKey) -> int:
        """How many of them one handler left behind for one bot."""
        with self._lock:
            return self._hung[key]

    def is_suspect_alone(self) -> bool:
        """Whether a run that lost its worker has just begun, so that nothing should begin beside it."""
        now = time.monotonic()
        return any(one.is_suspect and now - one.started < ALONE for one in self.running)
