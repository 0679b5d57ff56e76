"""Checkpoints of SQLite, on a thread of their own.

Changes go to a log first (the WAL). From there SQLite has them copied into the database by whoever commits when the log has
grown to 1,000 pages: that one waits for the copy and for the disk, an arrival as well, which has three seconds for all it
does. A passive checkpoint by a thread that nobody waits for disturbs neither readers nor writers.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import Error, connection
from django.db.backends.signals import connection_created

from core.database.connections import close_own
from core.database.outages import OutageLog

logger = logging.getLogger(__name__)

EVERY: Final = 1.0
"""Seconds."""
MOST_PAGES: Final = 16_000
"""Of the log, 64 MB: then whoever commits makes a checkpoint all the same. It grows so large where the thread fails, or where
something reads for long, which keeps the log from beginning anew."""
STOP_SECONDS: Final = 3.0


@contextmanager
def checkpoints(*, every: float = EVERY) -> Iterator[None]:
    """While the block runs, a thread makes them, and connections that are opened meanwhile leave them to it. For a process that
    has the database for itself; nothing where that is PostgreSQL."""
    if connection.vendor != "sqlite":
        yield
        return
    stopping = threading.Event()
    thread = threading.Thread(target=_run, args=(stopping, every), name="sqlite-checkpoints", daemon=True)
    connection_created.connect(_leave_to_thread)
    thread.start()
    try:
        yield
    finally:
        connection_created.disconnect(_leave_to_thread)
        stopping.set()
        thread.join(STOP_SECONDS)


def _run(stopping: threading.Event, every: float) -> None:
    outage = OutageLog(logger, "checkpoint_failed")
    while not stopping.wait(every):
        try:
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")
                cursor.fetchone()
        except Error as error:
            outage.failed(error)
            close_own()
        else:
            outage.over()
    close_own()


def _leave_to_thread(connection: Any, **_signal: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA wal_autocheckpoint = {MOST_PAGES}")
