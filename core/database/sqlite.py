"""What SQLite makes necessary: it lets one connection write at a time, and no server ends a transaction that hangs.

Two tricks here are only for handlers, whose code is not ours: running one again whose transaction lost the race for the
write lock, and taking the lock away from one that does not come back. The others are for what writes most: arrivals go before
everything else, and background work writes no more at once than keeps them waiting for a few milliseconds.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import DEFAULT_DB_ALIAS, Error, connections

STATEMENT_SECONDS = 0.2
"""How long a statement may still run in a transaction that is aborted."""
EXECUTIONS = 20
"""How often a roll-back is tried that is interrupted, once in ``STATEMENT_SECONDS``."""

HELD_SECONDS, HELD_SECONDS_AT_LEISURE = 0.01, 0.03
"""For about so long a transaction of background work may hold the lock of all writers: while arrivals wait for it, and else."""
LEISURE_AFTER = 1.0
"""Seconds since an arrival last had to wait."""
LEAST_BATCH = 48
"""Rows of such a transaction at least, and while nothing is known of this machine."""
TURN_SECONDS = 0.5
"""How long somebody waits for a turn to write, so that a flood of arrivals does not stop background work, nor a statement
that hangs the arrivals."""

_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def is_locked(error: BaseException) -> bool:
    """Whether SQLite refused a statement because another connection writes.

    A transaction that has read and then writes is refused at once when another one has written in between: what it read
    is old, and no waiting makes it new. It has to begin again, with the write lock from the start.
    """
    cause = error.__cause__
    return isinstance(cause, sqlite3.OperationalError) and cause.sqlite_errorcode & 0xFF in _LOCKED


class WriteTurns:
    """Who writes first in a process that does everything on one SQLite database. On PostgreSQL nobody has to wait.

    Whoever has a turn is waited for here and not in SQLite, which looks whether its lock is free after pauses that grow to
    100 ms, while here the next one begins at once. It is an order among those that write most, and no lock: each waits for a
    bounded time, and who writes without a turn waits for SQLite's lock.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._first = 0
        self._is_taken = False
        self._waited_at = -LEISURE_AFTER

    @property
    def seconds(self) -> float:
        """How long a transaction of background work should take."""
        is_wanted = time.monotonic() - self._waited_at < LEISURE_AFTER
        return HELD_SECONDS if is_wanted else HELD_SECONDS_AT_LEISURE

    @contextmanager
    def first(self) -> Iterator[None]:
        """For arrivals. While the block runs or waits, background work begins no write."""
        if connections[DEFAULT_DB_ALIAS].vendor != "sqlite":
            yield
            return
        with self._changed:
            self._first += 1
            if self._is_taken:
                self._waited_at = time.monotonic()
                self._changed.wait_for(lambda: not self._is_taken, timeout=TURN_SECONDS)
        try:
            yield
        finally:
            with self._changed:
                self._first -= 1
                self._changed.notify_all()

    @contextmanager
    def behind(self) -> Iterator[None]:
        """For a transaction of background work: it waits until those that go first have written, and for one another."""
        if connections[DEFAULT_DB_ALIAS].vendor != "sqlite":
            yield
            return
        with self._changed:
            self._changed.wait_for(lambda: not (self._first or self._is_taken), timeout=TURN_SECONDS)
            has_turn = not self._is_taken
            self._is_taken = True
        try:
            yield
        finally:
            if has_turn:
                with self._changed:
                    self._is_taken = False
                    self._changed.notify_all()


WRITE_TURNS = WriteTurns()


class BatchSize:
    """How many rows background work writes in one transaction, so that it holds the lock of all writers no longer than it
    should: what the last transactions took decides about the next one."""

    def __init__(self, *, most: int) -> None:
        self.rows = min(LEAST_BATCH, most)
        self._most = most

    def note(self, rows: int, *, seconds: float) -> None:
        """So many rows took so long. Few of them say little: what a transaction costs besides would be taken for theirs."""
        if rows < self.rows / 2:
            return
        fitting = rows * WRITE_TURNS.seconds / max(seconds, 0.001)
        self.rows = int(min(self._most, max(LEAST_BATCH, (self.rows + fitting) / 2)))


def _execute_uninterrupted(raw: sqlite3.Connection, statement: str) -> None:
    """The statement again when it was interrupted in place of the one that hangs; there may be nothing to roll back, and
    the thread may have come back and closed its connection."""
    for _ in range(EXECUTIONS):
        try:
            raw.execute(statement)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                continue
        return


class AbortableConnection:
    """The database connection of the thread that makes this; another thread may abort its transaction.

    On PostgreSQL the server ends a transaction that takes too long. On SQLite a thread that hangs inside a transaction
    would keep every other connection from writing for as long as it hangs.
    """

    def __init__(self) -> None:
        self._wrapper: Any = connections[DEFAULT_DB_ALIAS]
        self._closing = threading.Lock()

    @property
    def is_open(self) -> bool:
        return self._wrapper.connection is not None

    def abort(self) -> None:
        """From another thread: undo what the transaction has written and let it write nothing more. Waits for nothing."""
        raw = self._wrapper.connection
        if isinstance(raw, sqlite3.Connection):
            threading.Thread(target=self._roll_back, args=(raw,), name="sqlite-abort", daemon=True).start()

    def _roll_back(self, raw: sqlite3.Connection) -> None:
        """On a thread of its own, because it waits until a statement that is running has ended or was interrupted."""
        threading.Thread(target=self._interrupt, args=(raw,), name="sqlite-interrupt", daemon=True).start()
        with self._closing:
            for statement in ("PRAGMA query_only = ON", "ROLLBACK"):
                _execute_uninterrupted(raw, statement)

    def _interrupt(self, raw: sqlite3.Connection) -> None:
        """End each statement that runs too long, until the thread has closed its connection.

        Not at once: a query that is open between two rows would have the roll-back interrupted as well. Not only until
        the roll-back: the statement that hangs may have been prepared before it and begin after it.
        """
        while True:
            time.sleep(STATEMENT_SECONDS)
            if self._wrapper.connection is not raw:
                return
            with suppress(sqlite3.ProgrammingError):  # the thread has closed it since
                raw.interrupt()

    def close(self) -> bool:
        """By the thread itself; False when that failed. SQLite's connection may be used by two threads at once, but not
        closed by one while the other uses it."""
        with self._closing:
            try:
                connections.close_all()
            except (Error, sqlite3.Error):
                return False
        return True
