"""One thread with one database connection, for asyncio code that talks to the ORM.

asgiref's shared thread would put the inbox behind every other query of the process; a thread of its own keeps the way
from frame to commit free, and its connection open.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import Error, connection

from core.database.connections import close_own, limit_waiting

P = ParamSpec("P")
R = TypeVar("R")


class DatabaseThread:
    """Runs functions one after the other on its own thread.

    ``patience``: seconds that a statement may take and that a transaction may stand idle. The server counts them, so
    that not even a process that was stopped in the middle keeps its locks.
    """

    def __init__(self, name: str, *, patience: float | None = None) -> None:
        self._patience = patience
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The function's result; a connection that broke is dropped, so that the next call gets a new one."""

        def guarded() -> R:
            try:
                if self._patience is not None and connection.connection is None:
                    limit_waiting(self._patience)
                return function(*args, **kwargs)
            except Error:
                connection.close_if_unusable_or_obsolete()
                raise

        return await asyncio.get_running_loop().run_in_executor(self._executor, guarded)

    async def close(self) -> None:
        """Close the connection, after what is still queued, and end the thread."""
        await asyncio.get_running_loop().run_in_executor(self._executor, close_own)
        self._executor.shutdown(wait=False)
