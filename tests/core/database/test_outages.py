import logging
import sqlite3

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError
from psycopg import errors
from psycopg_pool import PoolTimeout

from core.database import outages
from core.database.outages import OutageLog, is_unavailable


def raised(outer: Exception, cause: Exception | None) -> Exception:
    try:
        raise outer from cause
    except type(outer) as error:
        return error


def of_sqlite(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("sqlite")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    "cause",
    [
        psycopg.OperationalError("server closed the connection unexpectedly"),
        PoolTimeout("couldn't get a connection"),
        errors.AdminShutdown(),
        errors.CrashShutdown(),
        errors.CannotConnectNow(),
        errors.ConnectionFailure(),
        errors.TooManyConnections(),
        errors.DiskFull(),
        errors.ReadOnlySqlTransaction(),
        of_sqlite(sqlite3.SQLITE_BUSY),
        of_sqlite(sqlite3.SQLITE_FULL),
        of_sqlite(sqlite3.SQLITE_BUSY_SNAPSHOT),
    ],
)
def test_database_that_is_not_there(cause):
    assert is_unavailable(raised(OperationalError("x"), cause))


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OperationalError("x"), errors.QueryCanceled()),
        (OperationalError("x"), errors.DeadlockDetected()),
        (OperationalError("x"), errors.OutOfMemory()),
        (IntegrityError("x"), errors.UniqueViolation()),
        (InterfaceError("x"), psycopg.InterfaceError("the cursor is closed")),
        (DatabaseError("x"), None),
        (OperationalError("x"), of_sqlite(sqlite3.SQLITE_ERROR)),
        (ValueError("x"), None),
        (ConnectionError("of somebody else's server"), None),
        (psycopg.OperationalError("a database of the handler's own"), None),
    ],
)
def test_statement_that_is_at_fault(error, cause):
    assert not is_unavailable(raised(error, cause))


def test_error_that_was_raised_because_of_it():
    lost = raised(OperationalError("x"), psycopg.OperationalError("lost"))
    assert is_unavailable(raised(ValueError("wrapped"), lost))
    assert is_unavailable(raised(InterfaceError("connection already closed"), None))


def test_outage_is_said_when_it_begins_and_when_it_is_over(caplog, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(outages.time, "monotonic", lambda: clock[-1])
    log = OutageLog(logging.getLogger("test"), "away")
    with caplog.at_level(logging.INFO):
        assert log.over() == 0.0
        log.failed(OperationalError("no room"))
        log.failed(OperationalError("no room"))
        clock.append(1070.0)
        assert log.over() == 70.0
    assert [entry.getMessage() for entry in caplog.records] == ["away", "away", "away_over"]
    first, second, _over = caplog.records
    assert (first.problem, first.failures, second.failures, second.thinned) == ("no room", 1, 2, True)
