"""Transactions around code that is not ours and may hang in the middle."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from core.database.connections import limit_waiting
from core.database.lazy_transaction import LazyTransaction


@contextmanager
def bounded_transaction(seconds: float, *, with_write_lock: bool = False) -> Iterator[LazyTransaction]:
    """A transaction that begins with its first query, and that PostgreSQL ends, with its locks, when it takes longer than
    ``seconds``.

    SQLite has no such limit (see ``core.database.sqlite.AbortableConnection``). There the transaction takes the lock of
    all writers only with its first write, unless ``with_write_lock``, so that one that reads keeps nobody from writing.
    """
    database: Any = connections[DEFAULT_DB_ALIAS]
    if database.vendor != "sqlite":
        limit_waiting(seconds)
        with LazyTransaction() as lazy:
            yield lazy
        return
    usual = ""

    def choose_lock() -> None:
        nonlocal usual
        usual, database.transaction_mode = (
            database.transaction_mode,
            "IMMEDIATE" if with_write_lock else "DEFERRED",
        )

    try:
        with LazyTransaction(before_begin=choose_lock) as lazy:
            yield lazy
    finally:
        if usual:
            database.transaction_mode = usual
