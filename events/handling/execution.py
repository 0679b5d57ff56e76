"""One handler run: whether it is executed, how, and what follows from the way it ended."""

import logging
import traceback
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, transaction
from django.utils import timezone

from core.background.retry import RetrySchedule
from core.database.connections import give_back
from core.database.sqlite import is_locked
from core.database.text import storable
from core.database.transactions import bounded_transaction
from events.enums import ENDED_RUNS, RunFailure, RunStatus
from events.errors import StaleClaimError
from events.handling.calling import AsyncHandlerTimedOut, completed
from events.handling.completion import finish
from events.handling.interruption import HandlerTimedOut
from events.handling.ordering import PATIENCE, promote_after
from events.handling.registry import Registration, handler_named
from events.models import HandlerRun

logger = logging.getLogger(__name__)

RETRIES = RetrySchedule((5, 30, 120, 600, 1800))
MAX_ERROR = 4000  # characters of a traceback worth keeping
GRACE = 5  # seconds that the database gives a handler beyond its timeout

WORKER_LOST = "Every attempt ended with its worker: none came back to say how."


@dataclass(frozen=True, slots=True)
class Success:
    """A handler that succeeded, what it returned, and how many runs may begin now because it has ended."""

    result: Any
    promoted: int


def admit(run: HandlerRun, *, is_on: bool) -> Registration | None:
    """The handler of a claimed run, if it is to be executed now; else the run is ended with its reason, or put back where
    this worker does not know the handler."""
    handler = handler_named(run.handler)
    if handler is None:
        HandlerRun.objects.release(run)
    elif not is_on:
        _end(run, status=RunStatus.SKIPPED, finished_at=timezone.now())
    elif run.attempts > handler.max_attempts:
        fail(run, RunFailure.WORKER_LOST, WORKER_LOST, final=True)
    else:
        return handler
    return None


def execute(run: HandlerRun, handler: Registration) -> Success | None:
    """Run the handler once and note how it went; None when it failed. Raises nothing of the handler's; HandlerTimedOut
    when the watchdog has given up on it, django.db.Error when the failure could not be noted."""
    try:
        try:
            return _attempt(run, handler)
        except OperationalError as error:
            if not (handler.atomic and is_locked(error)):
                raise
            # What it wrote to the database is rolled back, and not counted as an attempt: SQLite asks for it.
            return _attempt(run, handler, with_write_lock=True)
    except HandlerTimedOut:
        raise
    except StaleClaimError:
        logger.warning("run_taken_over", extra={"run": run.pk})
    except AsyncHandlerTimedOut:
        time_out(run, handler)
    except BaseException as error:
        logger.exception("handler_failed", extra={"handler": handler.name, "event_id": run.event.event_id})
        text = "".join(traceback.format_exception(error))[-MAX_ERROR:]
        fail(run, RunFailure.RAISED, storable(text, MAX_ERROR), final=run.attempts >= handler.max_attempts)
    return None


def _attempt(run: HandlerRun, handler: Registration, *, with_write_lock: bool = False) -> Success:
    if not handler.atomic:
        give_back()
        result = completed(handler.function(run.event, run.event.bot), seconds=handler.seconds)
        return Success(result, _end(run, status=RunStatus.SUCCEEDED, finished_at=timezone.now()))
    with bounded_transaction(handler.seconds + GRACE, with_write_lock=with_write_lock):
        result = completed(handler.function(run.event, run.event.bot), seconds=handler.seconds)
        finish(run, status=RunStatus.SUCCEEDED, finished_at=timezone.now())
    return Success(result, promote_after(run))


def time_out(run: HandlerRun, handler: Registration) -> bool:
    """Note that the handler took too long; False when it came to an end of its own at the last moment."""
    text = f"The handler was not done after {handler.seconds:g} s."
    return fail(run, RunFailure.TIMED_OUT, text, final=run.attempts >= handler.max_attempts)


def fail(run: HandlerRun, failure: RunFailure, error: str, *, final: bool) -> bool:
    """Note an attempt that failed: the run is attempted again later or is dead. False when the claim was lost meanwhile."""
    values: dict[str, Any]
    if final:
        values = {"status": RunStatus.DEAD, "finished_at": timezone.now()}
    else:
        run_at = timezone.now() + RETRIES.pause_after(run.attempts)
        values = {"status": RunStatus.RETRYING, "run_at": run_at}
        if run.order_key:
            first = run.attempt_log.order_by("number").first()
            since = first.started_at if first else run.started_at or timezone.now()
            if run_at > since + PATIENCE:
                values["order_key"] = ""  # loses its place in order; see events.handling.ordering
    try:
        _end(run, error=error, failure=failure, **values)
    except StaleClaimError:
        logger.warning("run_taken_over", extra={"run": run.pk})
        return False
    return True


def _end(run: HandlerRun, *, status: RunStatus, **values: Any) -> int:
    """Finish the attempt in a transaction of its own, then let the next run of its key begin; how many may begin now."""
    with transaction.atomic():
        finish(run, status=status, **values)
    return promote_after(run) if status in ENDED_RUNS or values.get("order_key") == "" else 0
