"""The worker: claims handler runs and executes them on threads, in every worker process.

The rows are the truth. A Celery message only wakes the worker; without one it polls every now and then. It claims what it
has threads for, renews the leases of what runs, and notes which handlers were past their time: their thread is left
behind, and nobody waits for it.

What is safe where: in every pool of Celery, and in ``runportal``, handlers run on daemon threads beside the process's
own, so that none keeps it from ending. A thread that hangs in C code cannot be ended. In a prefork worker the process is
replaced when too many hang; elsewhere their handler is refused new threads until they come back, and its runs fail with
that reason, on schedule.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import Error, OperationalError, connection
from django.db.models import Min
from django.utils import timezone

from bots.enums import ProcessPart
from core.background.commit_thread import CommitThread
from core.background.per_process import OnePerProcess
from core.background.vitals import vitals
from core.database.compiled import AnyRows
from core.database.connections import close_own, limit_waiting
from core.database.errors import described
from core.database.outages import OutageLog
from core.database.pooling import keep_own
from core.installation.watch import watch
from events.clicks.updates import show_late_answer
from events.enums import RunFailure, RunStatus
from events.handling import execution
from events.handling.claims import Batch, claim_abandoned, release
from events.handling.completion import RunEnd, most_at_once, note_ends
from events.handling.concurrency import ConcurrencyLimit, RunDurations
from events.handling.ordering import promote_next
from events.handling.poller import Poller, PollResult
from events.handling.registry import handler_named
from events.handling.scheduler import schedule, waiting_bots
from events.handling.switches import is_switched_on, switches_of
from events.handling.uncounted import UncountedAttempts
from events.handling.watchdog import Watchdog, WatchedBatch
from events.log.sentences import HANDLER_HANGS, NOT_STORABLE
from events.metrics import count_attempt
from events.models import BotQueue, HandlerRun
from events.models.claims import LEASE
from events.notify import notify_worker

if TYPE_CHECKING:
    from datetime import timedelta

logger = logging.getLogger(__name__)

RENEW_EVERY = LEASE.total_seconds() / 3
STOP_SECONDS = 8.0  # what handlers get to finish when their process is to end
PATIENCE = 15.0  # seconds for a statement of the worker's own
HANGS_AFTER = 90.0
"""Seconds without a pass; each looks at what runs, and waits no longer than the leases allow."""
HELP_EVERY = 1.0  # seconds
ABANDONED_EVERY = 1.0  # seconds between looking for runs whose worker is gone
MAX_HUNG = 4  # threads one handler of one bot may leave hanging
TOO_MANY_HUNG = 16  # then a process that is replaced by its parent ends


class HandlerWorker:
    """One for a process. ``step`` is what its thread does again and again; tests call it themselves."""

    def __init__(
        self,
        *,
        threads: int | None = None,
        on_success: Callable[[HandlerRun, Any], None] | None = None,
    ) -> None:
        """``on_success`` gets a run and what its handler returned, on the handler's thread."""
        self._on_success = on_success
        self._limit = ConcurrencyLimit(settings.HANDLER_THREADS if threads is None else threads)
        self._durations = RunDurations()
        self._poller = Poller()
        self._ends: CommitThread[RunEnd] = CommitThread(
            self._write_ends,
            name="handler-ends",
            max_batch=most_at_once,
            on_failed=self._end_not_written,
        )
        self._freed: deque[HandlerRun] = deque()
        self._to_put_back: deque[HandlerRun] = deque()
        self._to_put_off: deque[tuple[HandlerRun, timedelta]] = deque()
        self._uncounted = UncountedAttempts()
        self._outage = OutageLog(logger, "worker_without_database")
        self._watchdog = Watchdog(
            on_free=self._poller.run_ended,
            on_timed_out=lambda run, handler: self._ends.put(execution.timed_out(run, handler)),
            on_put_back=self._put_back_soon,
        )
        self._abandoned_at = time.monotonic()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._renewed = time.monotonic()
        self._called_for_help = 0.0

    # --- life

    def start(self) -> None:
        """Start the threads; once."""
        self._watchdog.start()
        self._ends.start()
        self._thread = threading.Thread(target=self._work, name="handler-worker", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There may be something to do."""
        self._poller.notify()

    def stop(self, *, grace: float = STOP_SECONDS) -> None:
        """Claim nothing more, give handlers ``grace`` seconds to finish and put back what they do not."""
        self._stopping.set()
        self.wake()
        if self._thread is not None:
            self._thread.join(timeout=STOP_SECONDS)
        until = time.monotonic() + grace
        while self.busy and time.monotonic() < until:
            self._poller.wait(0.05, is_busy=lambda: False)
            self._guarded(self._attend)
        for run in self._watchdog.give_up_all():
            logger.warning("run_put_back", extra={"handler": run.handler, "run": run.pk})
            self._to_put_back.append(run)
        self._watchdog.close()
        if kept := self._ends.stop(seconds=STOP_SECONDS):
            logger.warning("ends_not_written", extra={"runs": [end.run.pk for end in kept[:100]]})
        self._guarded(self._put_back)
        self._guarded(self._promote)
        close_own()

    @property
    def busy(self) -> int:
        """How many threads run handlers, those that were given up left aside."""
        return self._watchdog.busy

    @property
    def hung(self) -> int:
        """How many threads were left behind and have not come back."""
        return self._watchdog.hung

    def _work(self) -> None:
        keep_own()
        vitals.expect(ProcessPart.HANDLERS, within=HANGS_AFTER)
        while not self._stopping.is_set():
            vitals.passed(ProcessPart.HANDLERS)
            wait = self._guarded(self.step)
            if self._poller.result >= PollResult.FULL:
                self._call_for_help()
            self._poller.wait(1.0 if wait is None else wait, lambda: self.busy > self._limit.size // 4)
            self._replace_process()
        vitals.forget(ProcessPart.HANDLERS)
        close_own()

    def _call_for_help(self) -> None:
        """There is more to do than this process has places for: let others poll, too."""
        if time.monotonic() - self._called_for_help > HELP_EVERY:
            self._called_for_help = time.monotonic()
            notify_worker()

    def _guarded(self, work: Callable[[], Any]) -> Any:
        try:
            if connection.connection is None:
                limit_waiting(PATIENCE)
            result = work()
        except Error as error:
            self._outage.failed(error)
            close_own()
        except Exception:
            logger.exception("worker_failed")
            close_own()
        else:
            if self._outage.over():
                # Leases ran out meanwhile. Who holds them renews them first, and notes the ends that were kept.
                self._abandoned_at = time.monotonic() + RENEW_EVERY
            return result
        return None

    def _replace_process(self) -> None:
        """A prefork worker is replaced by its parent when it ends: that is what ends threads that hang."""
        if self.hung < TOO_MANY_HUNG or not is_replaceable():
            return
        logger.error("worker_replaced", extra={"hung": self.hung})
        self._stopping.set()
        self._thread = None
        self.stop(grace=10)
        os._exit(1)

    # --- one step

    def step(self) -> float:
        """See to what runs and start what can be started; the seconds until there is something to do again."""
        self._attend()
        if self._poller.is_due():
            self._poller.begin()
            result = self._poll()
            self._poller.settle(result, most=settings.SWEEP_SECONDS, next_due=_seconds_to_next_due)
        return max(0.01, min(self._poller.seconds, RENEW_EVERY))

    def _attend(self) -> None:
        """Put back what was not started, let begin what queued up, and keep the leases of what this process holds."""
        self._put_back()
        self._promote()
        now = time.monotonic()
        if now - self._renewed >= RENEW_EVERY:
            held = [
                *self._watchdog.runs,
                *(end.run for end in self._ends.pending),
                *self._to_put_back,
                *(run for run, _pause in list(self._to_put_off)),
            ]
            HandlerRun.objects.renew([(run.pk, run.claim_id) for run in held])
            self._renewed = now

    def _put_back_soon(self, runs: Sequence[HandlerRun]) -> None:
        self._to_put_back.extend(runs)
        self._poller.notify()

    def _put_back(self) -> None:
        runs = list(self._to_put_back)
        release(runs)
        for _ in runs:
            self._to_put_back.popleft()
        while self._to_put_off:
            run, pause = self._to_put_off[0]
            HandlerRun.objects.release(run, after=pause)
            self._to_put_off.popleft()

    def _promote(self) -> None:
        """Let runs begin that queued behind those whose handlers wrote their ends themselves."""
        freed = list(self._freed)
        if promote_next(freed):
            self.wake()
        for _ in freed:
            self._freed.popleft()

    def _poll(self) -> PollResult:
        """Start what there is, round after round."""
        if watch.is_passive():
            return PollResult.NOTHING
        result, pass_full = PollResult.NOTHING, self._poller.passes_full
        while not self._stopping.is_set():
            if self._watchdog.is_suspect_alone() or not self._limit.free:
                return max(result, PollResult.FULL)
            self._promote()
            if self._start_abandoned():
                continue  # where there is one, there may be more
            found, is_more = self._start_scheduled(pass_full=pass_full)
            result = max(result, found)
            if not is_more:
                break
            pass_full = False  # once in a poll
        return result

    def _start_abandoned(self) -> bool:
        if time.monotonic() < self._abandoned_at:
            return False
        batch = claim_abandoned(self._limit)
        if batch is None:
            self._abandoned_at = time.monotonic() + ABANDONED_EVERY
            return False
        self._start_all([batch], {batch.key[0]: switches_of(batch.key[0])})
        return True

    def _start_scheduled(self, *, pass_full: bool) -> tuple[PollResult, bool]:
        """One round of the bots that wait; what it came to, and whether another one might find more."""
        bots = waiting_bots()
        if not bots:
            return PollResult.NOTHING, False
        scheduled = schedule(
            bots,
            most=self._limit.free,
            limit=self._limit,
            durations=self._durations,
            pass_full=pass_full,
            in_doubt=self._to_put_back.extend,
        )
        self._start_all(scheduled.batches, scheduled.switches)
        return scheduled.result, scheduled.is_more and scheduled.has_found

    # --- one batch

    def _start_all(self, batches: Sequence[Batch], switches: Mapping[UUID, Mapping[str, bool]]) -> None:
        started: set[Batch] = set()
        try:
            for batch in batches:
                if self._start(batch, switches[batch.key[0]]):
                    started.add(batch)
                else:
                    self.wake()  # its runs have ended, and others may run now
        finally:
            # Where the database went away, the leases of what was not started run out.
            for batch in batches:
                if batch not in started:
                    batch.place.release()

    def _start(self, batch: Batch, switches: Mapping[str, bool]) -> bool:
        registered = handler_named(batch.key[1])
        is_on = registered is None or is_switched_on(registered, switches)
        handler, admitted = None, []
        for run in batch.runs:
            answer = execution.admit(run, is_on=is_on)
            if answer is None:
                self._to_put_back.append(run)
            elif isinstance(answer, RunEnd):
                self._ends.put(answer)
            else:
                handler = answer
                admitted.append(run)
        if handler is None:
            return False
        if self._watchdog.hung_of(batch.key) >= MAX_HUNG:
            for run in admitted:
                is_final = run.attempts >= handler.max_attempts
                self._ends.put(execution.failed(run, RunFailure.TIMED_OUT, HANDLER_HANGS(), final=is_final))
            return False
        batch.runs = admitted
        self._watchdog.begin(WatchedBatch(batch, handler), self._execute)
        return True

    def _execute(self, watched: WatchedBatch) -> None:
        """On the handler's thread."""
        try:
            while run := self._watchdog.next_run(watched):
                started = time.monotonic()
                executed = execution.execute(run, watched.handler)
                seconds = time.monotonic() - started
                self._durations.note(watched.batch.key, seconds)
                count_attempt(run, seconds=seconds, succeeded=executed.succeeded)
                if executed.freed:
                    self._freed.extend(executed.freed)
                    self._poller.look_up()
                if self._watchdog.is_over(watched):
                    continue  # given up meanwhile: its end is written already
                if executed.put_off is not None:
                    self._to_put_off.append((run, executed.put_off))
                    self.wake()
                elif executed.is_ours and (pause := self._uncounted.pause(run)):
                    self._to_put_off.append((run, pause))
                    self.wake()
                elif executed.end is not None:
                    self._ends.put(executed.end)
                if self._on_success is not None and executed.succeeded:
                    self._on_success(run, executed.result)
        except BaseException:
            self._watchdog.abandon(watched)
            raise

    def _write_ends(self, ends: Sequence[RunEnd]) -> None:
        """On the thread of the ends."""
        if note_ends(ends) or any(end.status == RunStatus.RETRYING for end in ends):
            self.wake()  # for what may run now, or for the time of the next attempt

    def _end_not_written(self, end: RunEnd, error: Exception) -> None:
        """An end that no row takes. Where its error is what the row does not take, it is written with another one, once;
        of any other the lease runs out, and the run is attempted again, as often as its handler may be."""
        logger.error("end_not_written", extra={"run": end.run.pk, **described(error)})
        unstorable = NOT_STORABLE(kind=type(error).__name__)
        if end.error not in {"", unstorable} and not isinstance(error, OperationalError):
            self._ends.put(replace(end, error=unstorable))


_LATER = AnyRows(
    runs=lambda: HandlerRun.objects.waiting().order_by("bot_id", "run_at"),
    paced=lambda: BotQueue.objects.filter(next_start_at__isnull=False),
)
"""Without any of these nothing will be due at a known time."""


def _seconds_to_next_due() -> float:
    if not _LATER.found():
        return 60.0  # mostly: a worker asks every few seconds
    now = timezone.now()
    moments = (
        HandlerRun.objects.waiting().filter(run_at__gt=now).aggregate(next=Min("run_at"))["next"],
        BotQueue.objects.filter(next_start_at__gt=now).aggregate(next=Min("next_start_at"))["next"],
    )
    return min(((moment - now).total_seconds() for moment in moments if moment), default=60.0)


def is_replaceable() -> bool:
    """Whether this process is a child of a prefork worker."""
    from billiard.process import current_process  # noqa: PLC0415 -- only inside a worker

    return bool(current_process().name != "MainProcess")


_own = OnePerProcess(
    lambda: HandlerWorker(on_success=lambda run, result: show_late_answer(run.event, result))
)
current, stop_current = _own.current, _own.stop
