"""Giving database connections back, and bounding what a thread's own connection may wait for."""

from django.db import connection


def give_back(*, before_waiting: bool = False) -> None:
    """Let another thread have this thread's connection, unless a transaction is open; it gets one when it asks again.

    Where connections are pooled that costs nothing. Elsewhere the connection is closed only ``before_waiting`` for
    something that may take long, such as the platform, because opening it anew costs milliseconds.
    """
    if connection.in_atomic_block:
        return
    if before_waiting or "pool" in connection.settings_dict["OPTIONS"]:
        connection.close()


def limit_waiting(seconds: float) -> None:
    """Bound the statements and idle transactions of this thread's connection.

    The server counts the time, so that not even a process that was stopped in the middle keeps its locks. SQLite has one
    writer and its own timeout, which the settings name.
    """
    if connection.vendor != "postgresql":
        return
    limit = f"{round(seconds * 1000)}ms"
    with connection.cursor() as cursor:
        for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
            cursor.execute("SELECT set_config(%s, %s, false)", [name, limit])


def close_own() -> None:
    """Close the connection of the thread that calls this: ``connection`` means another one on every thread."""
    connection.close()
