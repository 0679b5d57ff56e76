"""The runner: claims deliveries and runs their handlers on threads, in every worker process.

The rows are the truth. A Celery message only wakes the runner; without one it looks for itself every now and then. It
claims what it has threads for, renews the leases of what runs, and notes which handlers were past their time: their
thread is left behind, and nobody waits for it.

What is safe where: in every pool of Celery, and in ``runportal``, handlers run on daemon threads beside the worker's
own, so that none keeps a process from ending. A thread that hangs in C code cannot be ended. In a prefork worker the
process is replaced when too many hang; elsewhere their handler is refused new threads until they come back, and its
deliveries fail with that reason, on schedule.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connection
from django.db.models import Min
from django.utils import timezone

from core.background.per_process import OnePerProcess
from core.database.connections import limit_waiting
from events.clicks.updates import show_late_answer
from events.enums import RunFailure
from events.handling import execution
from events.handling.claims import claim_abandoned
from events.handling.concurrency import HandlerRoom
from events.handling.poller import Lookout
from events.handling.registry import Registration, handler_named
from events.handling.scheduler import Served, serve, waiting_queues
from events.handling.switches import runs, switches_of
from events.handling.watchdog import Run, Runs
from events.models import BotQueue, HandlerRun
from events.models.claims import LEASE
from events.notify import notify_worker

logger = logging.getLogger("events.handling.worker")

RENEW_EVERY = LEASE.total_seconds() / 3
STOP_SECONDS = 8.0  # what handlers get to finish when their process is to end
PATIENCE = 15.0  # seconds for a statement of the runner's own
HELP_EVERY = 1.0  # seconds
LOST_EVERY = 1.0  # seconds between looks for deliveries whose runner is gone
MAX_HUNG = 4  # threads one handler of one bot may leave hanging
TOO_MANY_HUNG = 16  # then a process that is replaced by its parent ends
HANGS = "Earlier runs of this handler still hang in this worker; it was not started once more."


class Runner:
    """One for a process. ``step`` is what the thread does again and again; tests call it themselves."""

    def __init__(
        self,
        *,
        threads: int | None = None,
        after: Callable[[HandlerRun, Any], None] | None = None,
    ) -> None:
        self._after = after
        self._room = HandlerRoom(settings.HANDLER_THREADS if threads is None else threads)
        self._lookout = Lookout()
        self._runs = Runs(self._room, wake=self._lookout.end)
        self._lost_at = time.monotonic()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._renewed = time.monotonic()
        self._called_for_help = 0.0

    # --- life

    def start(self) -> None:
        """Start the threads; once."""
        self._runs.watch()
        self._thread = threading.Thread(target=self._work, name="event-runner", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There may be something to do."""
        self._lookout.hint()

    def stop(self, *, grace: float = STOP_SECONDS) -> None:
        """Claim nothing more, give handlers ``grace`` seconds to finish and put back what they do not."""
        self._stopping.set()
        self.wake()
        if self._thread is not None:
            self._thread.join(timeout=STOP_SECONDS)
        until = time.monotonic() + grace
        while self.busy and time.monotonic() < until:
            self._lookout.wait(0.05, is_busy=lambda: False)
            self._guarded(self._keep)
        self._guarded(self._note_late)
        for run in self._runs.abandon_all():
            self._guarded(partial(self._release, run))
        self._runs.close()
        connection.close()

    @property
    def busy(self) -> int:
        """How many handlers are running, those that were given up on left aside."""
        return len(self._runs.running)

    @property
    def hung(self) -> int:
        """How many threads were left behind and have not come back."""
        return self._runs.hung

    def _work(self) -> None:
        while not self._stopping.is_set():
            wait = self._guarded(self.step)
            self._call_for_help()
            self._lookout.wait(1.0 if wait is None else wait, self._is_busy)
            self._replace_process()
        connection.close()

    def _is_busy(self) -> bool:
        return self.busy > self._room.size // 4

    def _call_for_help(self) -> None:
        """There is more to do than this process has room for: let others look, too."""
        if self._lookout.is_short and time.monotonic() - self._called_for_help > HELP_EVERY:
            self._called_for_help = time.monotonic()
            notify_worker()

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
        """See to what runs and start what can be started; the seconds until there is something to do again."""
        self._keep()
        if self._lookout.is_due():
            self._lookout.begin()
            while not self._stopping.is_set() and self._start_more():
                pass
            self._lookout.settle(settings.SWEEP_SECONDS, self._seconds_to_next_try)
        return max(0.01, min(self._lookout.seconds, RENEW_EVERY))

    def _keep(self) -> None:
        """Note who was past their time, and keep the leases of the others."""
        self._note_late()
        now = time.monotonic()
        if now - self._renewed >= RENEW_EVERY:
            HandlerRun.objects.renew([(run.delivery.pk, run.delivery.claim_id) for run in self._runs.running])
            self._renewed = now

    def _note_late(self) -> None:
        while run := self._runs.take_late():
            try:
                execution.time_out(run.delivery, run.handler)
            except (InterfaceError, OperationalError):  # the database is away
                self._runs.put_back_late(run)
                raise
            self.wake()  # for the time of its next try

    def _start_more(self) -> bool:
        """One turn of the bots that wait; whether another one might find more."""
        if self._runs.is_suspect_alone() or not self._room.free:
            self._lookout.is_short = True
            return False
        if self._start_abandoned():
            return True
        queues, is_more, is_over = waiting_queues(), False, False
        while queues and not is_over and (free := self._room.free):
            served = serve(queues[:free], limit=free, room=self._room, is_thorough=self._lookout.is_thorough)
            self._begin_all(served)
            self._lookout.note(served)
            queues = queues[free:]
            has_found = bool(served.dispatched or served.claimed)
            is_more |= served.is_more and has_found
            is_over = not has_found and not self._lookout.is_thorough
        self._lookout.is_short |= bool(queues)
        self._lookout.is_thorough = False  # once in a look
        return is_more

    def _start_abandoned(self) -> bool:
        """Where there is one, there may be more."""
        if time.monotonic() < self._lost_at:
            return False
        delivery = claim_abandoned(self._room)
        if delivery is None:
            self._lost_at = time.monotonic() + LOST_EVERY
            return False
        self._begin(delivery, switches_of(delivery.bot_id), is_suspect=True)
        return True

    # --- one delivery

    def _begin_all(self, served: Served) -> None:
        waiting = deque(served.claimed)
        try:
            while waiting:
                delivery = waiting.popleft()
                self._begin(delivery, served.switches[delivery.bot_id])
        finally:
            for delivery in waiting:  # the database went away: their leases run out
                self._room.leave((delivery.bot_id, delivery.handler))

    def _begin(self, delivery: HandlerRun, switches: Mapping[str, bool], *, is_suspect: bool = False) -> None:
        whose = (delivery.bot_id, delivery.handler)
        handler = None
        try:
            handler = self._admitted(delivery, switches)
        finally:
            if handler is None:
                self._room.leave(whose)
        if handler is None:
            self.wake()  # it has ended, and others may run now
            return
        self._runs.begin(Run(delivery, handler, time.monotonic(), is_suspect), self._perform)

    def _admitted(self, delivery: HandlerRun, switches: Mapping[str, bool]) -> Registration | None:
        registered = handler_named(delivery.handler)
        is_on = registered is None or runs(registered, switches)
        handler = execution.admit(delivery, is_on=is_on)
        if handler is not None and self._runs.hung_of((delivery.bot_id, delivery.handler)) >= MAX_HUNG:
            final = delivery.attempts >= handler.tries
            execution.fail(delivery, RunFailure.TIMED_OUT, HANGS, final=final)
            return None
        return handler

    def _perform(self, run: Run) -> None:
        """On the handler's thread."""
        done = execution.perform(run.delivery, run.handler)
        if done is None or done.promoted:
            self.wake()  # for what may run now, or for the time of the next try
        if self._after is not None and done is not None and not self._runs.is_over(run):
            self._after(run.delivery, done.result)

    def _release(self, run: Run) -> None:
        logger.warning("handler_put_back", extra={"handler": run.handler.name, "delivery": run.delivery.pk})
        HandlerRun.objects.release(run.delivery)

    # --- waiting

    def _seconds_to_next_try(self) -> float:
        now = timezone.now()
        later = HandlerRun.objects.waiting().filter(run_at__gt=now)
        moments = (
            later.aggregate(next=Min("run_at"))["next"],
            BotQueue.objects.filter(next_start_at__gt=now).aggregate(next=Min("next_start_at"))["next"],
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


_own = OnePerProcess(lambda: Runner(after=show_late_answer))
current, stop_current = _own.current, _own.stop
