"""Giving database connections back, and bounding what a thread's statements may take."""

import threading
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.signals import connection_created

from core.database.poolers import is_by_transaction

_thread = threading.local()
_LIMIT = "feishu_portal_limit"
"""An attribute of psycopg's connection: the limit that its session has, in milliseconds."""


def give_back(*, before_waiting: bool = False) -> None:
    """Let another thread have this thread's connection, unless a transaction is open; it gets one when it asks again.

    Where connections are pooled that costs nothing. Elsewhere the connection is closed only ``before_waiting`` for
    something that may take long, such as the platform, because opening it again costs milliseconds.
    """
    if connection.in_atomic_block:
        return
    if before_waiting or "pool" in connection.settings_dict["OPTIONS"]:
        connection.close()


def keep_open() -> None:
    """The connection of this thread stays open from one piece of work to the next, where ``close_old_connections`` closes it
    only when it is broken; before it is used again it is asked whether it lives. Pooled ones are the pool's."""
    database: Any = connections[DEFAULT_DB_ALIAS]
    settings = database.settings_dict
    if settings["CONN_MAX_AGE"] == 0 and "pool" not in settings["OPTIONS"]:
        # Of this thread's wrapper alone: the settings are those of all threads.
        database.settings_dict = settings | {"CONN_MAX_AGE": None}


def limit_waiting(seconds: float) -> None:
    """Bound the statements and idle transactions of this thread from now on, whichever connection it gets; 0 for no bound.

    The server counts the time, so that not even a process that was stopped in the middle keeps its locks. SQLite has one
    writer and its own timeout, which the settings name.
    """
    _thread.limit = round(seconds * 1000)
    if connection.connection is not None:
        _apply_limit(connections[DEFAULT_DB_ALIAS])


def _apply_limit(connection: Any, **_signal: object) -> None:
    """Tell the session, where it has another limit: a pooled one may have served another thread before."""
    limit = getattr(_thread, "limit", 0)
    if connection.vendor != "postgresql":
        return
    if is_by_transaction():
        _limit_each_transaction(connection)
        if connection.autocommit or not limit:
            return
    elif getattr(connection.connection, _LIMIT, 0) == limit:
        return
    # Within a transaction for as long as that lasts: a rollback would take back what is said for good.
    is_local = connection.in_atomic_block
    _set_limit(connection, limit, is_local=is_local)
    if not is_local:
        setattr(connection.connection, _LIMIT, limit)


def _set_limit(connection: Any, limit: int, *, is_local: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, %s),"
            " set_config('idle_in_transaction_session_timeout', %s, %s)",
            [f"{limit}ms", is_local] * 2,
        )


def _limit_each_transaction(connection: Any) -> None:
    """Say the limit at the beginning of every transaction of this wrapper, for as long as that lasts."""
    if getattr(connection, _LIMIT, False):
        return
    setattr(connection, _LIMIT, True)
    set_autocommit = connection._set_autocommit  # noqa: SLF001 -- through it Django begins every transaction

    def begin(autocommit: bool) -> None:  # noqa: FBT001 -- Django's signature
        set_autocommit(autocommit)
        limit = getattr(_thread, "limit", 0)
        if not autocommit and limit:
            _set_limit(connection, limit, is_local=True)

    connection._set_autocommit = begin  # noqa: SLF001 -- see above


connection_created.connect(_apply_limit, dispatch_uid="core.database.limit")


def close_own() -> None:
    """Close the connection of the thread that calls this: ``connection`` means another one on every thread."""
    connection.close()
