"""The database away: which errors say so, and what the log says of an outage."""

import logging
import sqlite3
import time

import psycopg
from django.db import Error, InterfaceError

from core.database.errors import causes, described
from core.log_pace import THINNED

_UNAVAILABLE = ("08", "57P")
"""Classes of SQLSTATE: connection lost or refused; server shutting down, crashed or starting up."""
_FULL_OR_STANDBY = frozenset({"53100", "53300", "25006"})
"""No room on the disk, no connection left, and a server that became a standby."""
_SQLITE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
    }
)


def is_unavailable(error: BaseException) -> bool:
    """Whether the error is, or was raised because of, our own database not being there: no connection to be had, one that
    broke, a server that ends, a disk that is full. A statement that is wrong, too slow or in a deadlock is none of it."""
    return any(isinstance(one, Error) and _says_unavailable(one) for one in causes(error))


def _says_unavailable(error: Error) -> bool:
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", None)
        return code is not None and code & 0xFF in _SQLITE
    if not isinstance(cause, psycopg.Error):
        # Django's own: of a connection that broke within a transaction.
        return isinstance(error, InterfaceError)
    if cause.sqlstate is None:
        # Not the server's word but the driver's: it has lost the connection, or got none.
        return isinstance(cause, psycopg.OperationalError)
    return cause.sqlstate.startswith(_UNAVAILABLE) or cause.sqlstate in _FULL_OR_STANDBY


class OutageLog:
    """Says that the database is away: when it begins, once a minute (the log thins the attempts), and when it is over."""

    def __init__(self, logger: logging.Logger, event: str) -> None:
        self._logger = logger
        self._event = event
        self._since: float | None = None
        self._failures = 0

    def failed(self, error: BaseException, **extra: object) -> None:
        """One more attempt has failed."""
        self._failures += 1
        if self._since is None:
            self._since = time.monotonic()
        facts = {**described(error), "failures": self._failures, **extra}
        self._logger.warning(self._event, extra=facts | THINNED)

    def over(self) -> float:
        """An attempt has succeeded; how many seconds the database was away, 0 where it was not."""
        if self._since is None:
            return 0.0
        seconds = time.monotonic() - self._since
        self._logger.warning("%s_over", self._event, extra={"seconds": round(seconds, 1)})
        self._since, self._failures = None, 0
        return seconds
