"""What runs on the handler threads of a process, watched by a thread that never waits for a database.

A handler that hangs may hold a lock that others wait for, on SQLite the one lock of all writers. The runner may be among
those others, so it is not the runner that watches.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from events.handling.concurrency import HandlerRoom, Whose
from events.handling.registry import Registration
from events.handling.threads import HandlerThreads, Job
from events.models import HandlerRun

logger = logging.getLogger("events.handling.watchdog")

CANCEL_SECONDS = 1.0  # that an async handler gets to be cancelled in
ALONE = 1.0  # seconds that a delivery which lost its worker is left alone in a process


@dataclass(slots=True, eq=False)
class Run:
    """One delivery on its thread, from ``started`` on. ``is_suspect``: its last worker was lost."""

    delivery: HandlerRun
    handler: Registration
    started: float
    is_suspect: bool = False
    job: Job | None = None
    deadline: float = field(init=False)

    def __post_init__(self) -> None:
        cancelling = CANCEL_SECONDS if self.handler.is_async else 0.0
        self.deadline = self.started + self.handler.seconds + cancelling

    @property
    def whose(self) -> Whose:
        return (self.delivery.bot_id, self.delivery.handler)


class Runs:
    """The runs of one process. Each is over once: when its handler comes to an end, or when it is given up on.

    ``wake`` is called when one is. Those given up on wait in ``take_late`` until somebody notes it in the database.
    """

    def __init__(self, room: HandlerRoom, *, wake: Callable[[], None]) -> None:
        self._room = room
        self._wake = wake
        self._threads = HandlerThreads("handler")
        self._running: dict[int, Run] = {}
        self._late: list[Run] = []
        self._hung: Counter[Whose] = Counter()
        # Handler threads take the lock itself: one that is interrupted inside a Condition's own code would keep it.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._watched_until: float | None = None
        self._is_closed = False

    def watch(self) -> None:
        """Start the thread that watches; once."""
        threading.Thread(target=self._watch, name="handler-watch", daemon=True).start()

    def begin(self, run: Run, perform: Callable[[Run], None]) -> None:
        """Perform it on a thread of its own, within its time."""
        with self._changed:
            self._running[run.delivery.pk] = run
            run.job = self._threads.start(lambda: self._perform(run, perform))
            if self._watched_until is None or run.deadline < self._watched_until:
                self._changed.notify()

    def _perform(self, run: Run, perform: Callable[[Run], None]) -> None:
        """On the handler's thread."""
        try:
            perform(run)
        finally:
            self._end(run)

    def _end(self, run: Run) -> None:
        with self._lock:
            if self._is_over(run):
                self._hung[run.whose] -= 1
            else:
                self._leave(run)
        self._wake()

    def is_over(self, run: Run) -> bool:
        """Whether it was given up on, or is done."""
        with self._lock:
            return self._is_over(run)

    def _is_over(self, run: Run) -> bool:
        return self._running.get(run.delivery.pk) is not run

    def _leave(self, run: Run) -> None:
        self._room.leave(run.whose)
        del self._running[run.delivery.pk]

    # --- giving up

    def _watch(self) -> None:
        with self._changed:
            while not self._is_closed:
                now = time.monotonic()
                for run in [one for one in self._running.values() if one.deadline <= now]:
                    self._give_up(run)
                # Not woken for every run: most end long before, and the next one's time is up after theirs.
                self._watched_until = min((run.deadline for run in self._running.values()), default=None)
                self._changed.wait(self._watched_until and max(0.0, self._watched_until - time.monotonic()))

    def _give_up(self, run: Run) -> None:
        logger.error("handler_timed_out", extra={"handler": run.handler.name, "delivery": run.delivery.pk})
        self._abandon(run)
        self._late.append(run)
        self._wake()

    def _abandon(self, run: Run) -> None:
        self._hung[run.whose] += 1
        self._leave(run)
        if run.job is not None:
            self._threads.leave(run.job)

    def take_late(self) -> Run | None:
        """One that was given up on and nobody has taken yet."""
        with self._lock:
            return self._late.pop() if self._late else None

    def put_back_late(self, run: Run) -> None:
        """It could not be noted now."""
        with self._lock:
            self._late.append(run)

    def abandon_all(self) -> list[Run]:
        """Give up on everything that runs, because the process ends; what that was."""
        with self._lock:
            running = list(self._running.values())
            for run in running:
                self._abandon(run)
            return running

    def close(self) -> None:
        """Watch nothing more, and end the threads as they become idle."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._threads.close()

    # --- how it stands

    @property
    def running(self) -> list[Run]:
        with self._lock:
            return list(self._running.values())

    @property
    def hung(self) -> int:
        """How many threads were left behind and have not come back."""
        return self._threads.hung

    def hung_of(self, whose: Whose) -> int:
        """How many of them one handler left behind for one bot."""
        with self._lock:
            return self._hung[whose]

    def is_suspect_alone(self) -> bool:
        """Whether a delivery that lost its worker has just begun, so that nothing should begin beside it."""
        now = time.monotonic()
        return any(run.is_suspect and now - run.started < ALONE for run in self.running)
