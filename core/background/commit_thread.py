"""Group commit on a thread: for what other threads finish, and what must be written however long the database is away."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from django.db import InterfaceError, OperationalError

from core.database.connections import close_own, give_back
from core.database.outages import OutageLog, is_unavailable
from core.database.pooling import keep_own

T = TypeVar("T")

logger = logging.getLogger(__name__)

AGAIN_SECONDS = 0.5
"""Between two attempts while the database is away."""
MOST_REFUSED = 10
"""Attempts of a batch that a database which is there refuses: deadlocks, locks that do not come, statements past their time."""


class CommitThread(Generic[T]):
    """Hands what threads put to ``write`` in batches: a batch is what piled up while the last commit ran.

    ``write`` takes a batch in a transaction of its own. While the database is away a batch is kept and written again; one
    that is refused because of what others do is written again a few times. Of one that fails otherwise, or still, each item
    is written alone, so that it costs the others nothing; the one at fault goes to the log and to ``on_failed``.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T]], object],
        *,
        name: str,
        max_batch: Callable[[], int],
        on_failed: Callable[[T, Exception], object],
    ) -> None:
        self._write = write
        self._max_batch = max_batch
        self._on_failed = on_failed
        self._queue: deque[T] = deque()
        self._batch: list[T] = []
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._outage = OutageLog(logger, "batch_kept")
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread; once."""
        self._thread.start()

    def put(self, item: T) -> None:
        """Have an item written soon; from any thread, waits for nothing."""
        self._queue.append(item)
        # An event that is set already costs nothing, and most are: the thread clears it before it looks.
        if not self._wanted.is_set():
            self._wanted.set()

    @property
    def pending(self) -> list[T]:
        """What is not committed yet."""
        return [*self._batch, *self._queue]

    def stop(self, *, seconds: float) -> list[T]:
        """Write what there is, for that long at most; what is left is returned."""
        self._stopping.set()
        self._wanted.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=seconds)
        return self.pending

    def _run(self) -> None:
        keep_own()
        is_written = True
        while is_written and not (self._stopping.is_set() and not self._queue):
            self._wanted.wait()
            self._wanted.clear()
            while is_written and self._queue:
                self._batch = [self._queue.popleft() for _ in range(min(self._max_batch(), len(self._queue)))]
                is_written = self._commit(self._batch)
                if is_written:
                    self._batch = []
            give_back()
        close_own()

    def _commit(self, batch: Sequence[T]) -> bool:
        """Write a batch, however long the database is away; False when it was not because the thread is to stop."""
        refused = 0
        while True:
            try:
                self._write(batch)
            except Exception as error:
                is_away = isinstance(error, InterfaceError) or is_unavailable(error)
                refused += not is_away
                if is_away or (isinstance(error, OperationalError) and refused < MOST_REFUSED):
                    self._outage.failed(error, items=len(batch))
                    close_own()
                    if self._stopping.is_set():
                        return False
                    time.sleep(AGAIN_SECONDS)
                    continue
                if len(batch) > 1:
                    return all(self._commit([item]) for item in batch)
                logger.exception("item_not_written")
                self._on_failed(batch[0], error)
                return True
            else:
                self._outage.over()
                return True
