"""The one way in: store, commit, then acknowledge.

A batch is what piled up while the last commit ran; there is no timer. Whoever submits waits until its event is
committed, so an acknowledgement can never overtake the row.

When events come faster than they can be stored, extras go first: hints, which the workers do without, the counting of
duplicates, live messages. What was left out is counted by the hour and shown in the console. Events are never dropped:
above MAX_QUEUED whoever submits waits, and what cannot be stored is refused, so that the platform pushes it again.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Self, TypeAlias

from django.db import Error

from core.console.live.changes import changed
from core.database.thread import DatabaseThread
from events.enums import EventStatus, OptionalWork
from events.ingress.inbox import Stored, store
from events.ingress.incoming import Arrival
from events.ingress.shedding import LeftOutCounts, write_left_out
from events.notify import notify_worker

logger = logging.getLogger("events.ingress.writer")

MAX_QUEUED = 20_000  # events; above that submitters wait, and so does the socket
MAX_BATCH = 512  # events in one statement; what comes meanwhile is the next batch
PRESSED = 1_000  # events waiting; above that extras are left out
HINT_EVERY = 0.05  # seconds between hints: the first goes at once, and a worker finds whatever came since
WRITE_EVERY = 5.0  # seconds between notes of what was left out

Told: TypeAlias = Callable[[Stored | Exception], None]
"""Hears what became of an arrival."""


class Intake:
    """Collects arrivals and writes them in batches. Use as an async context manager."""

    def __init__(self) -> None:
        # Two events and a deque, since asyncio's Queue costs every arrival as much as reading its envelope.
        self._waiting: deque[tuple[Arrival, Told]] = deque()
        self._arrived = asyncio.Event()
        self._has_room = asyncio.Event()
        self._database = DatabaseThread("inbox-db")
        self._hint_wanted = asyncio.Event()
        self._left_out = LeftOutCounts()
        self._noted_at = time.monotonic()

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._write_for_ever(), name="inbox-writer")
        self._hinter = asyncio.create_task(self._hint_for_ever(), name="inbox-hints")
        return self

    async def __aexit__(self, *_exc: object) -> None:
        for task in (self._writer, self._hinter):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._note_left_out()
        await self._database.close()

    @property
    def is_pressed(self) -> bool:
        """Whether events come faster than they can be stored just now."""
        return len(self._waiting) > PRESSED

    def leave_out(self, extra: OptionalWork) -> None:
        """Count something that was left out because of that."""
        self._left_out.add(extra)

    @property
    def waiting(self) -> int:
        """How many arrivals no statement has taken yet."""
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether one more has to wait for its place."""
        return len(self._waiting) >= MAX_QUEUED

    def put(self, arrival: Arrival, told: Told) -> None:
        """Have one arrival stored; ``told`` is called once, in this event loop, when it is committed or could not be
        stored. For callers who have seen that there is room."""
        self._waiting.append((arrival, told))
        self._arrived.set()

    async def submit(self, arrival: Arrival) -> Stored:
        """Store one arrival; returns when it is committed. Raises django.db.Error when it could not be stored."""
        future: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        while self.is_full:
            self._has_room.clear()
            await self._has_room.wait()
        self.put(arrival, partial(_settle, future))
        return await future

    async def _write_for_ever(self) -> None:
        while True:
            await self._arrived.wait()
            batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
            if not self._waiting:
                self._arrived.clear()
            self._has_room.set()
            await self._write(batch)
            if time.monotonic() - self._noted_at >= WRITE_EVERY:
                await self._note_left_out()

    async def _write(self, batch: list[tuple[Arrival, Told]]) -> None:
        counting = not self.is_pressed
        try:
            results = await self._database.run(
                store, [arrival for arrival, _ in batch], count_duplicates=counting
            )
        except Exception as error:  # noqa: BLE001 -- every submitter must hear of it, whatever it was
            logger.warning("batch_not_stored", extra={"events": len(batch), "error": type(error).__name__})
            self._left_out.add(OptionalWork.REFUSED, len(batch))
            for _, told in batch:
                told(error)
            return
        is_work = False
        for (arrival, told), stored in zip(batch, results, strict=True):
            told(stored)
            if stored.event_pk is not None:
                is_work = is_work or arrival.status == EventStatus.RECEIVED
            elif not counting:
                self._left_out.add(OptionalWork.DUPLICATES)
        if is_work:
            self._hint_wanted.set()

    async def _note_left_out(self) -> None:
        self._noted_at = time.monotonic()
        if counts := self._left_out.take():
            try:
                await self._database.run(write_left_out, counts)
            except Error as error:
                logger.warning("left_out_not_noted", extra={"error": type(error).__name__})
                self._left_out.put_back(counts)

    async def _hint_for_ever(self) -> None:
        """Tell a worker, behind the acknowledgement and on a thread: a slow broker must not slow the intake."""
        while True:
            await self._hint_wanted.wait()
            self._hint_wanted.clear()
            if self.is_pressed:
                self._left_out.add(OptionalWork.LIVE)
            else:
                changed("events")
            if self.is_pressed or not await asyncio.to_thread(notify_worker):
                self._left_out.add(OptionalWork.HINTS)
            await asyncio.sleep(HINT_EVERY)


def _settle(future: asyncio.Future[Stored], outcome: Stored | Exception) -> None:
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
