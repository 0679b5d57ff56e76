"""The one way in: store, commit, then acknowledge.

A batch is what piled up while the last commit ran; there is no timer. Whoever submits waits until its event is
committed, so an acknowledgement can never overtake the row.
"""

import asyncio
import logging
from collections import deque
from contextlib import suppress
from typing import Self

from bots.database_thread import DatabaseThread
from events.arrivals import Arrival
from events.domain.inbox import Stored, store
from events.enums import EventStatus
from events.hints import hint_dispatch

logger = logging.getLogger("events.intake")

MAX_QUEUED = 20_000  # events; above that submitters wait, and so does the socket
MAX_BATCH = 256  # events in one statement
MAX_HINTS = 10_000  # events whose hint is not sent yet; the sweep finds what is dropped


class Intake:
    """Collects arrivals and writes them in batches. Use as an async context manager."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[tuple[Arrival, asyncio.Future[Stored]]] = asyncio.Queue(MAX_QUEUED)
        self._database = DatabaseThread("inbox-db")
        self._hints: deque[int] = deque(maxlen=MAX_HINTS)
        self._hints_wanted = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._write_for_ever(), name="inbox-writer")
        self._hinter = asyncio.create_task(self._hint_for_ever(), name="inbox-hints")
        return self

    async def __aexit__(self, *_exc: object) -> None:
        for task in (self._writer, self._hinter):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._database.close()

    async def submit(self, arrival: Arrival) -> Stored:
        """Store one arrival; returns when it is committed. Raises django.db.Error when it could not be stored."""
        future: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        await self._queue.put((arrival, future))
        return await future

    async def _write_for_ever(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < MAX_BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self._write(batch)

    async def _write(self, batch: list[tuple[Arrival, asyncio.Future[Stored]]]) -> None:
        try:
            results = await self._database.run(store, [arrival for arrival, _ in batch])
        except Exception as error:  # noqa: BLE001 -- every submitter must hear of it, whatever it was
            logger.warning("batch_not_stored", extra={"events": len(batch), "error": type(error).__name__})
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (arrival, future), stored in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(stored)
            if stored.event_pk is not None and arrival.status == EventStatus.RECEIVED:
                self._hints.append(stored.event_pk)
        self._hints_wanted.set()

    async def _hint_for_ever(self) -> None:
        """Tell the workers, behind the acknowledgement and on a thread: a slow broker must not slow the intake."""
        while True:
            await self._hints_wanted.wait()
            self._hints_wanted.clear()
            event_pks = [self._hints.popleft() for _ in range(len(self._hints))]
            if event_pks:
                await asyncio.to_thread(hint_dispatch, event_pks)
