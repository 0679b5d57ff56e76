"""Transactions around code that is not ours and may hang in the middle."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction


@contextmanager
def bounded_transaction(seconds: float, *, with_write_lock: bool = False) -> Iterator[None]:
    """A transaction that PostgreSQL ends, with its locks, when it takes longer than ``seconds``.

    SQLite has no such limit (see ``core.database.sqlite.AbortableConnection``). There the transaction takes the lock of
    all writers only with its first write, unless ``with_write_lock``, so that one that reads keeps nobody from writing.
    """
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        database: Any = connections[DEFAULT_DB_ALIAS]
        usual = database.transaction_mode
        database.transaction_mode = "IMMEDIATE" if with_write_lock else "DEFERRED"
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
