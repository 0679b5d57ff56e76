"""One attempt of a handler run: whether it is made, how, and what follows from the way it ended."""

import logging
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import OperationalError
from django.utils import timezone
from structlog.contextvars import bound_contextvars

from core.background.retry import RetrySchedule
from core.database.connections import give_back
from core.database.errors import described
from core.database.outages import is_unavailable
from core.database.sqlite import is_locked
from core.database.text import storable
from core.database.transactions import bounded_transaction
from core.log_pace import THINNED
from events.addressing import is_addressed
from events.enums import RunFailure, RunStatus
from events.errors import MessagesAwaitedError, StaleClaimError
from events.expansion import expansion_in_time
from events.handling.calling import completed
from events.handling.completion import RunEnd, complete
from events.handling.handler_loop import AsyncHandlerTimedOut
from events.handling.interruption import HandlerTimedOut
from events.handling.registry import Registration, handler_named
from events.handling.replies import replying
from events.log.sentences import NOT_DONE
from events.models import HandlerRun
from events.subscriptions.http.failures import WORKER_LOST
from events.traces import handling

logger = logging.getLogger(__name__)

RETRIES = RetrySchedule((5, 30, 120, 600, 1800))
MAX_ERROR = 4000  # characters of a traceback worth keeping
GRACE = 5  # seconds that the database gives a handler beyond its timeout


@dataclass(frozen=True, slots=True)
class Executed:
    """What came of an attempt. ``end`` is still to be written; None where the handler's own transaction has written it, or
    where another worker had taken the run over, or the run is put off. ``freed``: runs of which the next one in order may
    begin, because that has been written."""

    end: RunEnd | None = None
    succeeded: bool = False
    is_ours: bool = False
    """The database was not there: the attempt says nothing about the handler. ``end`` is what it came to all the same."""
    put_off: timedelta | None = None
    """The handler was not called: the run begins again after that, and no attempt is counted."""
    result: Any = None
    freed: Sequence[HandlerRun] = ()

    @property
    def has_failed(self) -> bool:
        is_skipped = self.end is not None and self.end.status == RunStatus.SKIPPED
        return not (self.succeeded or is_skipped or self.put_off is not None)


def admit(run: HandlerRun, *, is_on: bool) -> Registration | RunEnd | None:
    """The handler of a claimed run, if it is to be executed now; else how the run ends, or None where this worker does not
    know the handler and the run is to be put back."""
    handler = handler_named(run.handler)
    if handler is None:
        return None
    if not is_on:
        return RunEnd(run, RunStatus.SKIPPED)
    if run.attempts > handler.max_attempts:
        return failed(run, RunFailure.WORKER_LOST, WORKER_LOST(), final=True)
    return handler


def execute(run: HandlerRun, handler: Registration) -> Executed:
    """Run the handler once. Raises nothing of the handler's; HandlerTimedOut when the watchdog has given up on it.

    Whatever is logged meanwhile, by the handler too, names bot, event, run and attempt.
    """
    with (
        bound_contextvars(
            app_id=run.event.bot.app_id,
            event_id=run.event.event_id,
            handler=handler.name,
            run=run.pk,
            attempt=run.attempts,
        ),
        handling(run) as step,
    ):
        try:
            try:
                executed = _attempt(run, handler)
            except OperationalError as error:
                if not (handler.atomic and is_locked(error)):
                    raise
                # What it wrote to the database is rolled back, and not counted as an attempt: SQLite asks for it.
                executed = _attempt(run, handler, with_write_lock=True)
        except HandlerTimedOut:
            raise
        except MessagesAwaitedError as awaited:
            logger.info("handler_awaits_messages", extra={"seconds": awaited.pause.total_seconds()})
            executed = Executed(put_off=awaited.pause)
        except StaleClaimError:
            logger.warning("run_taken_over", extra={"run": run.pk, "handler": handler.name})
            executed = Executed()
        except AsyncHandlerTimedOut:
            executed = Executed(timed_out(run, handler))
        except BaseException as error:
            is_ours = is_unavailable(error)
            extra = {
                "app_id": run.event.bot.app_id,
                "event_id": run.event.event_id,
                "handler": handler.name,
                "run": run.pk,
                "attempt": run.attempts,
                **described(error),
            }
            if is_ours:
                logger.warning("handler_without_database", extra=extra | THINNED)
            else:
                logger.exception("handler_failed", extra=extra)
            text = "".join(traceback.format_exception(error))[-MAX_ERROR:]
            is_final = run.attempts >= handler.max_attempts
            end = failed(run, RunFailure.RAISED, storable(text, MAX_ERROR), final=is_final)
            executed = Executed(end, is_ours=is_ours)
        if executed.has_failed:
            step.fail(str(executed.end.failure) if executed.end else "taken over")
        return executed


def _attempt(run: HandlerRun, handler: Registration, *, with_write_lock: bool = False) -> Executed:
    # Both before any transaction: they may ask the platform.
    if handler.addressed and not is_addressed(run.event, run.event.bot):
        return Executed(RunEnd(run, RunStatus.SKIPPED, RunFailure.NOT_ADDRESSED))
    if handler.expand:
        run.event.expanded = expansion_in_time(run.event)
    if not handler.atomic:
        give_back()
        returned = handler.function(run.event, run.event.bot)
        result = completed(replying(returned, run), seconds=handler.seconds)
        return Executed(RunEnd(run, RunStatus.SUCCEEDED), succeeded=True, result=result)
    with bounded_transaction(handler.seconds + GRACE, with_write_lock=with_write_lock) as transaction:
        returned = handler.function(run.event, run.event.bot)
        result = completed(replying(returned, run), seconds=handler.seconds)
        end = RunEnd(run, RunStatus.SUCCEEDED)
        if not transaction.has_begun:
            return Executed(end, succeeded=True, result=result)
        # Its own writes and its end are one: whatever dies in between, both are there or neither.
        lost, freed = complete([end])
        if lost:
            raise StaleClaimError
    return Executed(succeeded=True, result=result, freed=freed)


def timed_out(run: HandlerRun, handler: Registration) -> RunEnd:
    """How a run ends whose handler took too long."""
    text = NOT_DONE(seconds=f"{handler.seconds:g}")
    return failed(run, RunFailure.TIMED_OUT, text, final=run.attempts >= handler.max_attempts)


def failed(run: HandlerRun, failure: RunFailure, error: str, *, final: bool) -> RunEnd:
    """How an attempt that failed ends: the run is attempted again later, or is dead."""
    if final:
        return RunEnd(run, RunStatus.DEAD, failure, error)
    run_at = timezone.now() + RETRIES.pause_after(run.attempts)
    return RunEnd(run, RunStatus.RETRYING, failure, error, run_at=run_at)
