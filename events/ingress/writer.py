"""The one way into the database: store, commit, then acknowledge.

When events come faster than they can be stored, optional work is shed first: notifying workers, which do without;
counting duplicates; live messages. How much was shed is counted by the hour and shown in the console. Events are never
dropped: above MAX_QUEUED ``submit`` waits, and an event that cannot be stored is refused, so that the platform pushes
it again.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Self
from uuid import UUID

from core.background.group_commit import GroupCommit
from core.console.live import changed
from core.database.errors import described
from core.database.thread import DatabaseThread
from core.log_pace import THINNED, LogPace
from events import metrics
from events.enums import EventStatus, OptionalWork
from events.ingress.incoming import IncomingEvent
from events.ingress.shedding import ShedWork
from events.ingress.store_once import Stored, store
from events.notify import notify_worker
from events.traces import note_stored

logger = logging.getLogger(__name__)

MAX_QUEUED = 20_000  # events; above that submitters wait, and so does the socket
MAX_BATCH = 512  # events in one statement; what comes meanwhile is the next batch
OVERLOADED = 1_000  # events in the queue; above that optional work is shed
NOTIFY_EVERY = 0.05
"""Seconds between notifications: the first goes at once, and a worker finds whatever came since."""


class Intake(GroupCommit[IncomingEvent, Stored]):
    """Stores incoming events in batches. Use as an async context manager, in one event loop.

    Raises django.db.Error, or hands it to ``on_written``, when an event could not be stored.
    """

    def __init__(self) -> None:
        self._thread = DatabaseThread("inbox-db")
        super().__init__(self._store, database=self._thread, max_batch=MAX_BATCH, max_queued=MAX_QUEUED)
        self._loop = asyncio.get_running_loop()
        self._new_events = asyncio.Event()
        self._shed = ShedWork(self._thread)
        self._quarantined = LogPace[UUID]()

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(self.run(), name="inbox-writer"),
            asyncio.create_task(self._notify(), name="inbox-notifications"),
            asyncio.create_task(self._shed.run(), name="inbox-shed-work"),
        ]
        return self

    async def __aexit__(self, *_exc: object) -> None:
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._shed.write()
        await self._thread.close()

    @property
    def is_overloaded(self) -> bool:
        """Whether events come faster than they can be stored just now."""
        return self.queued > OVERLOADED

    def _store(self, events: Sequence[IncomingEvent]) -> Sequence[Stored]:
        """On the database's thread."""
        is_counting = not self.is_overloaded
        try:
            results = store(events, count_duplicates=is_counting)
        except Exception as error:
            logger.warning("batch_not_stored", extra={"events": len(events), **described(error), **THINNED})
            metrics.count_not_stored(len(events))
            self._loop.call_soon_threadsafe(self._shed.count, OptionalWork.REFUSED, len(events))
            raise
        metrics.count_stored(events, results)
        note_stored(events, results)
        has_new = False
        repeated = 0
        for event, stored in zip(events, results, strict=True):
            if stored.event_pk is None:
                repeated += 1
            elif event.status == EventStatus.QUARANTINED:
                self._log_quarantined(event, stored.event_pk)
            elif event.status == EventStatus.RECEIVED:
                has_new = True
        if repeated and not is_counting:
            self._loop.call_soon_threadsafe(self._shed.count, OptionalWork.DUPLICATES, repeated)
        if has_new:
            self._loop.call_soon_threadsafe(self._new_events.set)
        return results

    def _log_quarantined(self, event: IncomingEvent, event_pk: int) -> None:
        """One line a minute for each bot: whoever sends what cannot be read sends a lot of it."""
        if (unlogged := self._quarantined.admits(event.bot_id)) is not None:
            facts = {
                "bot": str(event.bot_id),
                "event_pk": event_pk,
                "trace_id": event.trace_id,
                "arrived_by": event.arrived_by.value,
                "error": event.error,
                "more_unlogged": unlogged,
            }
            logger.warning("event_quarantined", extra=facts)

    async def _notify(self) -> None:
        """Notify a worker, on a thread: a slow broker must not slow the intake."""
        while True:
            await self._new_events.wait()
            self._new_events.clear()
            if self.is_overloaded:
                self._shed.count(OptionalWork.LIVE)
            else:
                changed("events")
            if self.is_overloaded or not await asyncio.to_thread(notify_worker):
                self._shed.count(OptionalWork.NOTICES)
            await asyncio.sleep(NOTIFY_EVERY)
