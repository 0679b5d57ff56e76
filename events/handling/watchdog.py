"""The handlers that a process runs, and giving up on those past their time.

A handler that hangs may hold a lock that others wait for, on SQLite the one lock of all writers. The worker's own thread
may be among those others, so a thread that never waits for a database watches.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from events.handling.claims import Batch
from events.handling.concurrency import HandlerKey
from events.handling.registry import Registration
from events.handling.threads import HandlerThreads, Job
from events.models import HandlerRun

logger = logging.getLogger(__name__)

CANCEL_SECONDS = 1.0  # that an async handler gets to be cancelled in
ALONE = 1.0  # seconds that a run which lost its worker is left alone in a process
BATCH_SECONDS = 0.5
"""Seconds that a batch may take before what is left of it is put back: its handler is slower than it was."""


@dataclass(slots=True, eq=False)
class WatchedBatch:
    """A batch on its thread: its ``current`` run since ``started``, and those that follow."""

    batch: Batch
    handler: Registration
    began: float = field(default_factory=time.monotonic)
    job: Job | None = None
    current: HandlerRun | None = None
    started: float = 0.0
    waited: float = 0.0
    """What its thread had waited for database connections when the run began."""
    deadline: float = field(init=False)
    left: list[HandlerRun] = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.batch.runs[::-1]  # the next one last, where taking it costs nothing
        self.deadline = self.began + self.seconds

    @property
    def seconds(self) -> float:
        """How long one run may take."""
        return self.handler.seconds + (CANCEL_SECONDS if self.handler.is_async else 0.0)

    def is_past(self, now: float) -> bool:
        """Whether the run has taken too long. The time for which it waited for a connection, or for another handler that
        blocks the event loop, is not counted: it moves the deadline."""
        if now < self.deadline or self.job is None:
            return False
        waited = self.job.thread.waited - self.waited
        run = self.job.thread.loop_run
        if run is not None and not run.blocks:
            waited += run.held_up
        self.deadline = max(self.deadline, self.started + self.seconds + waited)
        return now >= self.deadline

    @property
    def is_held_up(self) -> bool:
        """Whether it is another handler that blocks the event loop this one runs on."""
        run = None if self.job is None else self.job.thread.loop_run
        return run is not None and run.is_held_up


class Watchdog:
    """What runs in one process. Each run is over once: when its handler comes to an end, or when it is given up.

    ``on_free`` is called when a batch is over and its place free. ``on_timed_out`` gets a run that was past its time, and
    ``on_put_back`` runs that were claimed and not started; both from any thread, and neither may wait for anything.
    """

    def __init__(
        self,
        *,
        on_free: Callable[[], object],
        on_timed_out: Callable[[HandlerRun, Registration], object],
        on_put_back: Callable[[Sequence[HandlerRun]], object],
    ) -> None:
        self._on_free = on_free
        self._on_timed_out = on_timed_out
        self._on_put_back = on_put_back
        self._threads = HandlerThreads("handler")
        self._running: set[WatchedBatch] = set()
        self._hung: Counter[HandlerKey] = Counter()
        # Handler threads take the lock itself: one that is interrupted inside a Condition's own code would keep it.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._watched_until: float | None = None
        self._is_closed = False

    def start(self) -> None:
        """Start the thread that watches; once."""
        threading.Thread(target=self._watch, name="handler-watchdog", daemon=True).start()

    def begin(self, watched: WatchedBatch, work: Callable[[WatchedBatch], None]) -> None:
        """Do the work on a thread of its own, which asks for ``next_run`` until there is none."""
        with self._changed:
            self._running.add(watched)
            watched.job = self._threads.start(partial(work, watched))
            if self._watched_until is None or watched.deadline < self._watched_until:
                self._changed.notify()

    def next_run(self, watched: WatchedBatch) -> HandlerRun | None:
        """From the handler's thread: the run before is done, and this one begins. None when the batch is over."""
        now = time.monotonic()
        with self._lock:
            if watched not in self._running:  # given up
                self._hung[watched.batch.key] -= 1
                return None
            if watched.left and now - watched.began < BATCH_SECONDS:
                watched.current, watched.started = watched.left.pop(), now
                watched.deadline = now + watched.seconds
                watched.waited = 0.0 if watched.job is None else watched.job.thread.waited
                return watched.current
            self._drop(watched)
        self._on_free()
        return None

    def is_over(self, watched: WatchedBatch) -> bool:
        """Whether it was given up, or is done."""
        with self._lock:
            return watched not in self._running

    def abandon(self, watched: WatchedBatch) -> None:
        """From the handler's thread, which ends: it was interrupted, or something of ours failed."""
        with self._lock:
            if watched in self._running:
                self._drop(watched)
            else:
                self._hung[watched.batch.key] -= 1
        self._on_free()

    def _drop(self, watched: WatchedBatch) -> None:
        self._running.discard(watched)
        watched.batch.place.release()
        watched.current = None
        if watched.left:
            left, watched.left = watched.left, []
            self._on_put_back(left)

    # --- giving up

    def _watch(self) -> None:
        with self._changed:
            while not self._is_closed:
                now = time.monotonic()
                for watched in [one for one in self._running if one.is_past(now)]:
                    self._end_overdue(watched)
                # Not woken for every run: most end long before, and the next one's time is up after theirs.
                self._watched_until = min((one.deadline for one in self._running), default=None)
                self._changed.wait(self._watched_until and max(0.0, self._watched_until - time.monotonic()))

    def _end_overdue(self, watched: WatchedBatch) -> None:
        run, is_held_up = watched.current, watched.is_held_up
        logger.error(
            "handler_held_up" if is_held_up else "handler_timed_out",
            extra={"handler": watched.handler.name, "run": run and run.pk},
        )
        self._give_up(watched)
        if run is not None:
            if is_held_up:
                self._on_put_back([run])
            else:
                self._on_timed_out(run, watched.handler)
        self._on_free()

    def _give_up(self, watched: WatchedBatch) -> None:
        self._hung[watched.batch.key] += 1
        self._drop(watched)
        if watched.job is not None:
            self._threads.leave(watched.job)

    def give_up_all(self) -> list[HandlerRun]:
        """Give up everything that runs, because the process ends; the runs that were under way."""
        with self._lock:
            running = list(self._running)
            runs = [watched.current for watched in running if watched.current is not None]
            for watched in running:
                self._give_up(watched)
            return runs

    def close(self) -> None:
        """Watch nothing more, and end the threads as they become idle."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._threads.close()

    # --- how it stands

    @property
    def runs(self) -> list[HandlerRun]:
        """Every run that has a thread: under way, or next on it."""
        with self._lock:
            return [
                run
                for watched in self._running
                for run in (watched.current, *watched.left)
                if run is not None
            ]

    @property
    def busy(self) -> int:
        """How many threads run handlers."""
        with self._lock:
            return len(self._running)

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
        with self._lock:
            return any(one.batch.is_suspect and now - one.began < ALONE for one in self._running)
