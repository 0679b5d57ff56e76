"""One delivery: whether it is run, how, and what follows from the way it ended."""

import logging
import random
import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import OperationalError, connection, connections, transaction
from django.utils import timezone

from core.database.connections import give_back
from core.database.text import storable
from events.enums import ENDED_RUNS, RunFailure, RunStatus
from events.errors import StaleClaimError
from events.handling.calling import AsyncHandlerTimedOut, HandlerTimedOut, call
from events.handling.completion import finish
from events.handling.ordering import PATIENCE, promote_after
from events.handling.registry import Registration, handler_named
from events.models import HandlerRun

logger = logging.getLogger("events.handler_runs")

BACKOFF = (5, 30, 120, 600, 1800)  # seconds before the next try
MAX_ERROR = 4000  # characters of a traceback worth keeping
GRACE = 5  # seconds that the database gives a handler beyond its timeout

WORKER_LOST = "Every try ended with its worker: none came back to say how."


@dataclass(frozen=True, slots=True)
class Done:
    """A handler that succeeded, what it returned, and how many deliveries may run now because it has ended."""

    result: Any
    promoted: int


def admit(delivery: HandlerRun, *, is_on: bool) -> Registration | None:
    """The handler of a claimed delivery, if it is to be run now; else the delivery is ended with its reason, or put back
    where this worker does not know the handler."""
    handler = handler_named(delivery.handler)
    if handler is None:
        HandlerRun.objects.release(delivery)
    elif not is_on:
        _end(delivery, status=RunStatus.SKIPPED, finished_at=timezone.now())
    elif delivery.attempts > handler.tries:
        fail(delivery, RunFailure.WORKER_LOST, WORKER_LOST, final=True)
    else:
        return handler
    return None


def perform(delivery: HandlerRun, handler: Registration) -> Done | None:
    """Run the handler once and note how it went; None when it failed. Raises nothing of the handler's; HandlerTimedOut
    when whoever watches has given up on it, django.db.Error when the failure could not be noted."""
    try:
        return _run(delivery, handler)
    except HandlerTimedOut:
        raise
    except StaleClaimError:
        logger.warning("delivery_taken_over", extra={"delivery": delivery.pk})
    except AsyncHandlerTimedOut:
        time_out(delivery, handler)
    except BaseException as error:
        logger.exception(
            "handler_failed", extra={"handler": handler.name, "event_id": delivery.event.event_id}
        )
        text = "".join(traceback.format_exception(error))[-MAX_ERROR:]
        fail(delivery, RunFailure.RAISED, storable(text, MAX_ERROR), final=delivery.attempts >= handler.tries)
    return None


def time_out(delivery: HandlerRun, handler: Registration) -> bool:
    """Note that the handler took too long; False when it came to an end of its own at the last moment."""
    text = f"The handler was not done after {handler.seconds:g} s."
    return fail(delivery, RunFailure.TIMED_OUT, text, final=delivery.attempts >= handler.tries)


def fail(delivery: HandlerRun, failure: RunFailure, error: str, *, final: bool) -> bool:
    """Note a try that failed: the delivery is tried again later or is dead. False when the claim was lost meanwhile."""
    values: dict[str, Any]
    if final:
        values = {"status": RunStatus.DEAD, "finished_at": timezone.now()}
    else:
        wait = BACKOFF[min(delivery.attempts, len(BACKOFF)) - 1] * random.uniform(0.8, 1.2)  # noqa: S311 -- jitter
        run_at = timezone.now() + timedelta(seconds=wait)
        values = {"status": RunStatus.RETRYING, "run_at": run_at}
        if delivery.order_key and run_at > _waiting_since(delivery) + PATIENCE:
            values["order_key"] = ""  # steps aside; see events.handling.ordering
    try:
        _end(delivery, error=error, failure=failure, **values)
    except StaleClaimError:
        logger.warning("delivery_taken_over", extra={"delivery": delivery.pk})
        return False
    return True


def _waiting_since(delivery: HandlerRun) -> Any:
    first = delivery.attempt_log.order_by("number").first()
    return first.started_at if first else delivery.started_at or timezone.now()


def _run(delivery: HandlerRun, handler: Registration) -> Done:
    """On SQLite a handler that only reads must not keep everybody else from writing: its transaction begins without
    the write lock. Where another writer came between, it is run again with the lock from the start."""
    try:
        return _attempt(delivery, handler, locking=False)
    except OperationalError as error:
        if not (handler.atomic and isinstance(error.__cause__, sqlite3.OperationalError)):
            raise
        if "locked" not in str(error):
            raise
    return _attempt(delivery, handler, locking=True)


def _attempt(delivery: HandlerRun, handler: Registration, *, locking: bool) -> Done:
    arguments = (delivery.event, delivery.event.bot)
    if not handler.atomic:
        give_back()
        result = call(handler.function, *arguments, seconds=handler.seconds)
        return Done(result, _end(delivery, status=RunStatus.SUCCEEDED, finished_at=timezone.now()))
    with _transaction(handler.seconds + GRACE, locking=locking):
        result = call(handler.function, *arguments, seconds=handler.seconds)
        finish(delivery, status=RunStatus.SUCCEEDED, finished_at=timezone.now())
    return Done(result, promote_after(delivery))


@contextmanager
def _transaction(seconds: float, *, locking: bool) -> Iterator[None]:
    """A transaction that the database itself ends, with its locks, when its handler hangs."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        database: Any = connections["default"]
        usual = database.transaction_mode
        database.transaction_mode = "IMMEDIATE" if locking else "DEFERRED"
        try:
            with transaction.atomic():
                yield
        finally:
            database.transaction_mode = usual
        return
    limit = f"{round(seconds * 1000)}ms"
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, true), "
                "set_config('idle_in_transaction_session_timeout', %s, true)",
                [limit, limit],
            )
        yield


def _end(delivery: HandlerRun, *, status: RunStatus, **values: Any) -> int:
    """Finish the delivery in a transaction of its own, then let the next one of its key run; how many may run now."""
    with transaction.atomic():
        finish(delivery, status=status, **values)
    return promote_after(delivery) if status in ENDED_RUNS or values.get("order_key") == "" else 0
