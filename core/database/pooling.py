"""Connections to PostgreSQL for threads that are many and mostly need none: the threads of handlers.

Django knows a pool for the whole process or none. Here only the threads that ask for it share one, so that those that
claim work and note how it ended always have a connection of their own, however many handlers wait for one. SQLite opens
files, of which there are enough.
"""

import threading
import time
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from psycopg_pool import ConnectionPool

WAIT_SECONDS = 10.0
"""How long a thread waits for a connection of the pool before its query fails."""
RECONNECT_SECONDS = 5.0
"""For so long the pool tries to open one connection, ever more rarely; then the next thread that waits begins again."""
IDLE_SECONDS = 60.0
"""Then a connection that nobody needed is closed."""

_lock = threading.Lock()
_pools: dict[str, ConnectionPool] = {}
"""What Django keeps for the process elsewhere; here it is shared by the threads that asked for it alone."""
_threads: set["PooledConnection"] = set()


def keep_own() -> None:
    """From now on the connection of this thread is its own, also where the process has a pool."""
    database = _own()
    if "pool" in database.settings_dict["OPTIONS"]:
        database.close()
        _set_pool(database, None)


def pools() -> list[ConnectionPool]:
    """Those that this process has by now: Django's own, which web processes have, and that of the threads that share one."""
    of_django: dict[str, ConnectionPool] = getattr(type(_own()), "_connection_pools", {})
    return [*of_django.values(), *_pools.values()]


class PooledConnection:
    """The database connection of the thread that makes this, taken from a pool of ``most`` when a query needs it.

    The pool is closed with the last thread that shares it. On SQLite nothing is shared.
    """

    def __init__(self, most: int) -> None:
        self._wrapper = _own()
        self._waited = 0.0
        self._waits_since: float | None = None
        self._is_replaced = False
        self._is_shared = self._wrapper.vendor == "postgresql"
        if not self._is_shared:
            return
        options = {
            "min_size": 0,
            "max_size": most,
            "timeout": WAIT_SECONDS,
            "reconnect_timeout": RECONNECT_SECONDS,
            "max_idle": IDLE_SECONDS,
            "num_workers": 2,
        }
        self._wrapper.close()
        _set_pool(self._wrapper, options)
        self._wrapper._connection_pools = _pools  # noqa: SLF001 -- Django's own, of the class, is the process's
        self._connect = self._wrapper.get_new_connection
        self._wrapper.get_new_connection = self._wait_for_connection
        with _lock:
            _threads.add(self)

    @property
    def waited(self) -> float:
        """Seconds that this thread has waited for connections, ever; from any thread."""
        since = self._waits_since
        return self._waited + (0.0 if since is None else time.monotonic() - since)

    def replace(self) -> None:
        """From another thread: this one hangs, so the pool may open another connection in place of what it holds."""
        if self._is_shared and self._wrapper.connection is not None and not self._is_replaced:
            self._is_replaced = True
            _resize(1)

    def leave(self) -> None:
        """By the thread itself, which ends: its connection is given back already."""
        if not self._is_shared:
            return
        if self._is_replaced:
            _resize(-1)
        with _lock:
            _threads.discard(self)
            pool = None if _threads else _pools.pop(DEFAULT_DB_ALIAS, None)
        if pool is not None:
            pool.close()

    def _wait_for_connection(self, parameters: Any) -> Any:
        self._waits_since = time.monotonic()
        try:
            return self._connect(parameters)
        finally:
            self._waited, self._waits_since = self.waited, None


def _own() -> Any:
    """Django's wrapper of this thread, of which some is not public."""
    return connections[DEFAULT_DB_ALIAS]


def _set_pool(database: Any, options: dict[str, Any] | None) -> None:
    """For the wrapper of one thread: the settings are those of all of them."""
    settings = database.settings_dict
    kept = {name: value for name, value in settings["OPTIONS"].items() if name != "pool"}
    if options is not None:
        kept["pool"] = options
    database.settings_dict = {**settings, "OPTIONS": kept}


def _resize(by: int) -> None:
    with _lock:
        pool = _pools.get(DEFAULT_DB_ALIAS)
        if pool is not None:
            pool.resize(0, max(1, pool.max_size + by))
