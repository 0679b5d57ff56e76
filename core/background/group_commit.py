"""Group commit: a batch is all that was queued while the last commit ran. No timer: a single item waits for nothing."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Generic, TypeAlias, TypeVar

from core.database.thread import DatabaseThread

T = TypeVar("T")
R = TypeVar("R")

Write: TypeAlias = Callable[[Sequence[T]], Sequence[R | Exception]]
"""Writes a batch in a transaction of its own; the result of each item, in order, an exception for one that failed alone.

What it raises is the result of every item.
"""


class GroupCommit(Generic[T, R]):
    """Writes items in batches with ``write``, on a database thread. Lives in one event loop.

    ``max_queued``: with so many items waiting ``submit`` waits for its turn, and so does whoever calls it.
    """

    def __init__(
        self, write: Write[T, R], *, database: DatabaseThread, max_batch: int, max_queued: int
    ) -> None:
        self._write = write
        self._database = database
        self._max_batch = max_batch
        self._max_queued = max_queued
        # Two events and a deque, since asyncio's Queue costs every item as much as reading its envelope.
        self._queue: deque[tuple[T, Callable[[R | Exception], None]]] = deque()
        self._filled = asyncio.Event()
        self._has_room = asyncio.Event()

    @property
    def queued(self) -> int:
        """How many items no batch has taken yet."""
        return len(self._queue)

    @property
    def is_full(self) -> bool:
        """Whether one more has to wait for its turn."""
        return len(self._queue) >= self._max_queued

    def put(self, item: T, on_written: Callable[[R | Exception], None]) -> None:
        """Have one item written; ``on_written`` is called once, in this event loop, when it is committed or failed.

        For callers who have seen that the queue is not full.
        """
        self._queue.append((item, on_written))
        self._filled.set()

    async def submit(self, item: T, *, withdraw: bool = False) -> R:
        """The result of one item, when it is committed. Raises what ``write`` raised or returned for it.

        ``withdraw``: where the caller is cancelled before a batch has the item, it is not written.
        """
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        while self.is_full:
            self._has_room.clear()
            await self._has_room.wait()
        self.put(item, on_written := partial(_resolve, future))
        try:
            return await future
        except asyncio.CancelledError:
            if withdraw:
                self._withdraw(item, on_written)
            raise

    async def run(self) -> None:
        """Write batch after batch, until cancelled."""
        while True:
            await self._filled.wait()
            batch = [self._queue.popleft() for _ in range(min(self._max_batch, len(self._queue)))]
            if not self._queue:
                self._filled.clear()
            self._has_room.set()
            if batch:
                await self._commit(batch)

    def _withdraw(self, item: T, on_written: Callable[[R | Exception], None]) -> None:
        with suppress(ValueError):  # where a batch has it
            self._queue.remove((item, on_written))
            self._has_room.set()

    async def _commit(self, batch: list[tuple[T, Callable[[R | Exception], None]]]) -> None:
        try:
            results = await self._database.run(self._write, [item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 -- every caller who waits must get the error, whatever it is
            results = [error] * len(batch)
        for (_, on_written), result in zip(batch, results, strict=True):
            on_written(result)


def _resolve(future: "asyncio.Future[R]", result: R | Exception) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
