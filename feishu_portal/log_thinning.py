"""One line a minute about one trouble, whoever logs it: a database or Redis that is away makes every part of the portal, and
of the libraries below it, say so at every attempt.
"""

import logging
from collections.abc import MutableMapping
from typing import Any, Final

import kombu.exceptions
import psycopg

from core.database.errors import causes, described
from core.database.outages import is_unavailable
from core.log_pace import LogPace

_REDIS_AWAY: Final = {("redis.exceptions", "ConnectionError"), ("redis.exceptions", "TimeoutError")}
"""Classes by their names: a process that never speaks to Redis does not load its library."""

_FAULTS: Final = (AttributeError, LookupError, NameError, TypeError)
"""Errors of a program. An outage may bring one out, and only the traceback says where it is."""

EXPORTERS: Final = "opentelemetry."
"""Loggers that say again and again that the collector of traces is away."""


class Thinning(logging.Filter):
    """Lets a line of each logger, event and kind of error through once a minute, where it is about an outage, marked by
    `core.log_pace.THINNED`, or of ``EXPORTERS``; its ``left_out`` says how many there were since. Thread-safe."""

    def __init__(self) -> None:
        super().__init__()
        self._pace = LogPace[tuple[str, str, str]]()

    def filter(self, record: logging.LogRecord) -> bool:
        error = outage_of(record)
        if error is None and not hasattr(record, "thinned") and not record.name.startswith(EXPORTERS):
            return True
        kind = getattr(record, "error", "") if error is None else type(error).__name__
        left_out = self._pace.admits((record.name, str(record.msg), kind))
        if left_out:
            record.left_out = left_out
        if error is not None and not isinstance(error, _FAULTS):
            record.outage = error
        return left_out is not None


def outage_of(record: logging.LogRecord) -> BaseException | None:
    """The exception of an outage that the record carries, as its traceback or in its text."""
    carried = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    arguments = record.args if isinstance(record.args, tuple) else ()
    errors = [one for one in (carried, *arguments) if isinstance(one, BaseException)]
    return next((one for one in errors if _says_away(one)), None)


def shorten(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor: the line of an outage has the error's class and message in the place of tracebacks and stacks."""
    event.pop("thinned", None)
    error = event.pop("outage", None)  # of the filter: by now the record has lost its exception
    if isinstance(error, BaseException):
        event.pop("exc_info", None)
        event["event"] = str(event["event"]).partition("\n")[0]
        event.update(described(error))
    return event


def _says_away(error: BaseException) -> bool:
    # With what it came from: Celery's scheduler raises an error of its own while it handles the broker's.
    return is_unavailable(error) or any(_is_away(one) for one in causes(error))


def _is_away(error: BaseException) -> bool:
    """Also the driver's own, which the pool of connections logs: the server's word for a wrong statement has a SQLSTATE."""
    if isinstance(error, psycopg.OperationalError):
        return error.sqlstate is None
    return isinstance(error, kombu.exceptions.OperationalError) or any(
        (one.__module__, one.__name__) in _REDIS_AWAY for one in type(error).__mro__
    )
