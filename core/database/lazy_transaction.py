"""A transaction that begins with its first query.

Most work that is promised a transaction needs none: a handler that answers a message talks to the platform and leaves no
row. Begun up front, the transaction would cost two round trips and hold a connection while the platform thinks.

Django knows no such thing, so this stands in for the connection's ``atomic`` until somebody needs the database: it marks
the thread's connection as being in an atomic block and takes the place of its ``ensure_connection``, through which every
cursor, savepoint and nested ``atomic`` goes. The first of them turns it into Django's own ``atomic``.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from django.db import DEFAULT_DB_ALIAS, connections, transaction


class LazyTransaction:
    """Use as a context manager. Inside another transaction it is Django's ``atomic``, begun at once.

    ``before_begin`` is called when the transaction is about to begin, with the connection open; ``on_begin`` within it.
    What is registered with ``on_commit`` runs when it commits, or at the end of the block where it never began.
    """

    # Django asks the enclosing block when a nested one says that it must be the outermost.
    _from_testcase = False

    def __init__(
        self,
        *,
        before_begin: Callable[[], object] = lambda: None,
        on_begin: Callable[[], object] = lambda: None,
    ) -> None:
        self._before_begin = before_begin
        self._on_begin = on_begin
        self._connection: Any = connections[DEFAULT_DB_ALIAS]
        self._atomic: Any = None

    @property
    def has_begun(self) -> bool:
        """Whether there is a transaction to commit: a query was made, or something waits for the commit."""
        return self._atomic is not None or bool(self._connection.run_on_commit)

    def begin(self) -> None:
        """Begin now, if it has not begun."""
        if self._atomic is None:
            self._connection.ensure_connection()

    def __enter__(self) -> Self:
        if self._connection.in_atomic_block:
            self._begin_atomic()
        else:
            self._pretend()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._atomic is not None:
            self._atomic.__exit__(exception_type, exception, trace)
            return
        self._stop_pretending()
        waiting, self._connection.run_on_commit = self._connection.run_on_commit, []
        if exception_type is None:
            for _savepoints, function, _is_robust in waiting:
                function()

    def _pretend(self) -> None:
        self._connection.commit_on_exit = True
        self._connection.needs_rollback = False
        self._connection.in_atomic_block = True
        self._connection.atomic_blocks.append(self)
        self._connection.ensure_connection = self._turn_real

    def _stop_pretending(self) -> None:
        del self._connection.ensure_connection  # back to that of its class
        self._connection.in_atomic_block = False
        self._connection.atomic_blocks.remove(self)

    def _turn_real(self) -> None:
        self._stop_pretending()
        waiting = self._connection.run_on_commit
        try:
            self._begin_atomic()
        except BaseException:
            self._pretend()  # the next query tries again
            raise
        finally:
            self._connection.run_on_commit = waiting  # connecting forgets them

    def _begin_atomic(self) -> None:
        self._connection.ensure_connection()
        self._before_begin()
        atomic = transaction.atomic()
        atomic.__enter__()
        self._atomic = atomic
        self._on_begin()
