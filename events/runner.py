"""The runner: claims deliveries and runs their handlers on threads, in every worker process.

The rows are the truth. A Celery message only wakes the runner; without one it looks for itself every now and then. It
claims what it has threads for, renews the leases of what runs, and gives up on handlers that are past their time:
their delivery is noted as such, their thread is left behind, and nobody waits for it.

What is safe where: in every pool of Celery, and in ``runportal``, handlers run on daemon threads beside the worker's
own, so that none keeps a process from ending. A thread that hangs in C code cannot be ended. In a prefork worker the
process is replaced when too many hang; elsewhere their handler is refused new threads until they come back, and its
deliveries fail with that reason, on schedule.
"""

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import iscoroutinefunction
from typing import Any

from django.conf import settings
from django.db import Error, connection
from django.db.models import Min
from django.utils import timezone

from bots.database_thread import limit_waiting
from events.domain import deliveries
from events.domain.claims import LEASE, claim_abandoned, renew
from events.domain.clicks import show_late_answer
from events.domain.lanes import serve, waiting_lanes
from events.domain.room import HandlerRoom, Whose
from events.domain.switches import runs, switches_of
from events.enums import Failure
from events.hints import hint_work
from events.models import Delivery, Lane
from events.registry import Registration, handler_named
from events.threads import HandlerThread, HandlerThreads

logger = logging.getLogger("events.runner")

RENEW_EVERY = LEASE.total_seconds() / 3
STOP_SECONDS = 8.0  # what handlers get to finish when their process is to end
PATIENCE = 15.0  # seconds for a statement of the runner's own
CANCEL_SECONDS = 1.0  # that an async handler gets to be cancelled in
ALONE = 1.0  # seconds that a delivery which lost its worker is left alone in a process
HELP_EVERY = 1.0  # seconds
MAX_HUNG = 4  # threads one handler of one bot may leave hanging
TOO_MANY_HUNG = 16  # then a process that is replaced by its parent ends
HANGS = "Earlier runs of this handler still hang in this worker; it was not started once more."


@dataclass(slots=True)
class Run:
    """One delivery on its thread."""

    delivery: Delivery
    handler: Registration
    started: float
    is_suspect: bool = False
    thread: HandlerThread | None = None
    is_over: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def whose(self) -> Whose:
        return (self.delivery.bot_id, self.delivery.handler)

    @property
    def deadline(self) -> float:
        cancelling = CANCEL_SECONDS if iscoroutinefunction(self.handler.function) else 0.0
        return self.started + self.handler.seconds + cancelling


class Runner:
    """One for a process. ``step`` is what the thread does again and again; tests call it themselves."""

    def __init__(
        self,
        *,
        threads: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        after: Callable[[Delivery, Any], None] | None = None,
    ) -> None:
        self._clock = clock
        self._after = after
        self._room = HandlerRoom(settings.HANDLER_THREADS if threads is None else threads)
        self._threads = HandlerThreads("handler")
        self._runs: dict[int, Run] = {}
        self._hung: Counter[Whose] = Counter()
        self._changed = threading.RLock()
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._renewed = clock()
        self._called_for_help = 0.0

    # --- life

    def start(self) -> None:
        """Start the thread; once."""
        self._thread = threading.Thread(target=self._work, name="event-runner", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There may be something to do."""
        self._wanted.set()

    def stop(self, *, grace: float = STOP_SECONDS) -> None:
        """Claim nothing more, give handlers ``grace`` seconds to finish and put back what they do not."""
        self._stopping.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(timeout=STOP_SECONDS)
        until = self._clock() + grace
        while self.busy and self._clock() < until:
            self._wanted.wait(0.05)
            self._wanted.clear()
            self._guarded(self._watch)
        self._guarded(self._release)
        self._threads.close()
        connection.close()

    @property
    def busy(self) -> int:
        """How many handlers are running, those that were given up on left aside."""
        with self._changed:
            return len(self._runs)

    @property
    def hung(self) -> int:
        """How many threads were left behind and have not come back."""
        return self._threads.hung

    def _work(self) -> None:
        while not self._stopping.is_set():
            wait = self._guarded(self.step)
            self._call_for_help()
            self._wanted.wait(1.0 if wait is None else wait)
            self._wanted.clear()
            self._replace_process()
        connection.close()

    def _call_for_help(self) -> None:
        """Every thread is taken, so there may be more to do than this process can: let others look, too."""
        if not self._room.free and self._clock() - self._called_for_help > HELP_EVERY:
            self._called_for_help = self._clock()
            hint_work()

    def _guarded(self, work: Callable[[], Any]) -> Any:
        try:
            if connection.connection is None:
                limit_waiting(PATIENCE)
            return work()
        except Error as error:
            logger.warning("runner_without_database", extra={"error": type(error).__name__})
            connection.close()
        except Exception:
            logger.exception("runner_failed")
            connection.close()
        return None

    # --- one round

    def step(self) -> float:
        """Watch what runs and start what can be started; the seconds until there is something to do again."""
        self._watch()
        while not self._stopping.is_set() and self._start_more():
            pass
        return self._seconds_to_wait()

    def _watch(self) -> None:
        now = self._clock()
        with self._changed:
            running = list(self._runs.values())
        for run in running:
            if now >= run.deadline:
                self._give_up(run)
        if now - self._renewed >= RENEW_EVERY:
            renew([(run.delivery.pk, run.delivery.claim_id) for run in running])
            self._renewed = now

    def _start_more(self) -> bool:
        """One round over the bots; whether another one might find more."""
        if self._is_suspect_running() or not self._room.free:
            return False
        if self._start_abandoned():
            return False
        lanes = waiting_lanes()
        progress = False
        for place, bot_id in enumerate(lanes):
            free = self._room.free
            if not free:
                break
            share = max(1, free // (len(lanes) - place))
            dispatched, claimed = serve(bot_id, limit=share, room=self._room)
            if claimed:
                switches = switches_of(bot_id)
                for delivery in claimed:
                    self._begin(delivery, switches)
            progress = progress or bool(dispatched or claimed)
        return progress

    def _start_abandoned(self) -> bool:
        delivery = claim_abandoned(self._room)
        if delivery is None:
            return False
        self._begin(delivery, switches_of(delivery.bot_id), is_suspect=True)
        return True

    def _is_suspect_running(self) -> bool:
        now = self._clock()
        with self._changed:
            return any(run.is_suspect and now - run.started < ALONE for run in self._runs.values())

    # --- one delivery

    def _begin(self, delivery: Delivery, switches: dict[str, bool], *, is_suspect: bool = False) -> None:
        whose = (delivery.bot_id, delivery.handler)
        handler = None
        try:
            handler = self._admitted(delivery, switches)
        finally:
            if handler is None:
                self._room.leave(whose)
        if handler is None:
            return
        run = Run(delivery, handler, self._clock(), is_suspect)
        with self._changed:
            self._runs[delivery.pk] = run
        run.thread = self._threads.start(lambda: self._perform(run))

    def _admitted(self, delivery: Delivery, switches: dict[str, bool]) -> Registration | None:
        registered = handler_named(delivery.handler)
        is_on = registered is None or runs(registered, switches)
        handler = deliveries.admit(delivery, is_on=is_on)
        if handler is not None and self._hung[(delivery.bot_id, delivery.handler)] >= MAX_HUNG:
            final = delivery.attempts >= handler.tries
            deliveries.fail(delivery, Failure.TIMED_OUT, HANGS, final=final)
            return None
        return handler

    def _perform(self, run: Run) -> None:
        """On the handler's thread."""
        try:
            done = deliveries.perform(run.delivery, run.handler)
            if self._after is not None and done is not None and not run.is_over:
                self._after(run.delivery, done.result)
        finally:
            self._over(run)

    def _over(self, run: Run) -> None:
        with run.lock:
            was_given_up, run.is_over = run.is_over, True
        with self._changed:
            if was_given_up:
                self._hung[run.whose] -= 1
            else:
                self._room.leave(run.whose)
                self._runs.pop(run.delivery.pk, None)
        self._wanted.set()

    def _give_up(self, run: Run) -> None:
        with run.lock:
            if run.is_over:
                return
            run.is_over = True
        with self._changed:
            self._hung[run.whose] += 1
            self._room.leave(run.whose)
            self._runs.pop(run.delivery.pk, None)
        logger.error("handler_timed_out", extra={"handler": run.handler.name, "delivery": run.delivery.pk})
        if run.thread is not None:
            self._threads.leave(run.thread)
        deliveries.time_out(run.delivery, run.handler)

    def _release(self) -> None:
        with self._changed:
            running = list(self._runs.values())
        for run in running:
            run.is_over = True
            logger.warning(
                "handler_put_back", extra={"handler": run.handler.name, "delivery": run.delivery.pk}
            )
            if run.thread is not None:
                self._threads.leave(run.thread)
            deliveries.release(run.delivery)

    # --- waiting

    def _seconds_to_wait(self) -> float:
        now = self._clock()
        with self._changed:
            deadlines = [run.deadline - now for run in self._runs.values()]
            alone = [run.started + ALONE - now for run in self._runs.values() if run.is_suspect]
        waits = [settings.SWEEP_SECONDS, *deadlines, *(wait for wait in alone if wait > 0)]
        if self._room.free:
            waits.append(self._seconds_to_next_try())
        return max(0.01, float(min(waits)))

    def _seconds_to_next_try(self) -> float:
        now = timezone.now()
        later = Delivery.objects.to_handlers().waiting().filter(run_at__gt=now)
        moments = (
            later.aggregate(next=Min("run_at"))["next"],
            Lane.objects.filter(next_start_at__gt=now).aggregate(next=Min("next_start_at"))["next"],
        )
        return min(((moment - now).total_seconds() for moment in moments if moment), default=60.0)

    def _replace_process(self) -> None:
        """A prefork worker is replaced by its parent when it ends: that is what ends threads that hang."""
        if self.hung < TOO_MANY_HUNG or not is_replaceable():
            return
        logger.error("worker_replaced", extra={"hung": self.hung})
        self._stopping.set()
        self._thread = None
        self.stop(grace=10)
        os._exit(1)


def is_replaceable() -> bool:
    """Whether this process is a child of a prefork worker."""
    from billiard.process import current_process  # noqa: PLC0415 -- only inside a worker

    return bool(current_process().name != "MainProcess")


_current: Runner | None = None
_making = threading.Lock()


def current() -> Runner:
    """The runner of this process, started when it is first asked for: a worker of another queue never does."""
    global _current  # noqa: PLW0603 -- one for a process
    with _making:
        if _current is None:
            _current = Runner(after=show_late_answer)
            _current.start()
        return _current


def stop_current() -> None:
    """Stop this process's runner, if there is one."""
    global _current
    with _making:
        stopped, _current = _current, None
    if stopped is not None:
        stopped.stop()
