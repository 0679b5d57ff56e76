"""``runportal`` on SQLite that times its transactions: ``python -m bench.metered_portal FILE [runportal's arguments]``.

SQLite has one lock for all writers, so the longest transaction is what an acknowledgement may have to wait for. It counts
from the end of the statement that took the lock, BEGIN IMMEDIATE or else the first that writes, because that one may have
waited for it, to the end of COMMIT or ROLLBACK. FILE gets a line for each that is longer than all before it: milliseconds,
and the statement that took longest in it.
"""

import os
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import Any

from django.core.management import execute_from_command_line

SHOWN = 120
"""Characters of a statement in the line."""
WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")


class Longest:
    """The longest transaction of the process so far."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._seconds = 0.0

    def note(self, seconds: float, statement: str) -> None:
        with self._lock:
            if seconds <= self._seconds:
                return
            self._seconds = seconds
            with Path(self._file).open("a") as out:
                out.write(f"{1000 * seconds:.1f} {' '.join(statement.split())[:SHOWN]}\n")


longest: Longest


class MeteredConnection(sqlite3.Connection):
    """What Django connects with; it ends its transactions with ``commit`` and ``rollback``."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._is_open = self._has_asked = False
        self._since: float | None = None  # while the lock is held
        self._statement, self._begun = "", 0.0
        self._slowest, self._slowest_seconds = "", 0.0
        self.set_trace_callback(self._trace)

    def commit(self) -> None:
        super().commit()
        self._end()

    def rollback(self) -> None:
        super().rollback()
        self._end()

    def _trace(self, statement: str) -> None:
        """Called when a statement begins, the one before it having ended."""
        words = statement[:20].upper()
        if words.startswith("BEGIN"):
            self._is_open, self._has_asked, self._since = True, "IMMEDIATE" in words, None
            self._slowest, self._slowest_seconds = "", 0.0
        elif self._is_open and self._since is not None:
            self._next(statement)
        elif self._is_open and self._has_asked:
            self._since = self._begun = time.perf_counter()
            self._statement = statement
        elif self._is_open:
            self._has_asked = words.startswith(WRITES)

    def _next(self, statement: str) -> None:
        now = time.perf_counter()
        if now - self._begun >= self._slowest_seconds:
            self._slowest, self._slowest_seconds = self._statement, now - self._begun
        self._statement, self._begun = statement, now

    def _end(self) -> None:
        if self._is_open and not self.in_transaction:
            self._is_open = False
            if self._since is not None:
                self._next("")
                longest.note(self._begun - self._since, self._slowest)


def main() -> None:
    global longest  # noqa: PLW0603 -- Django makes the connections
    longest = Longest(sys.argv[1])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "feishu_portal.settings")

    import django  # noqa: PLC0415 -- after the settings are named

    django.setup()
    from django.db import connections  # noqa: PLC0415 -- after Django is set up

    connections.settings["default"]["OPTIONS"]["factory"] = MeteredConnection
    execute_from_command_line(["manage.py", "runportal", *sys.argv[2:]])


if __name__ == "__main__":
    main()
