"""The fleet: keeps exactly those long connections up that should be up.

Level-triggered. Operators change rows; every few seconds the fleet compares what should be with what is, and starts,
ends or replaces connections. What connections hear goes to the sink passed in; this package does not know what an event
is.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import httpx
from django.db import Error

from bots.database_thread import DatabaseThread
from bots.domain.slots import WantedSlot, credentials_of, release_slots, wanted_slots
from bots.slot_reports import SlotObserver, SlotReports
from feishu.credentials import AppCredentials
from feishu.gateway.connection import Connection
from feishu.gateway.messages import Message, Reply

logger = logging.getLogger("bots.fleet")

STOP_TIMEOUT = 10.0  # seconds a connection may take to hand over its last acknowledgements

BotSink = Callable[[UUID, Message], Awaitable[Reply]]


@dataclass(slots=True)
class _Running:
    wanted: WantedSlot
    task: asyncio.Task[None]
    observer: SlotObserver


class Fleet:
    """All long connections of this process."""

    def __init__(
        self,
        *,
        sink: BotSink,
        node: str,
        interval: float,
        only: frozenset[str] = frozenset(),
    ) -> None:
        self._sink = sink
        self._node = node
        self._interval = interval
        self._only = only
        self._running: dict[int, _Running] = {}
        self._database = DatabaseThread("fleet-db")
        self._reports = SlotReports(self._database)

    async def run(self, stop: asyncio.Event) -> None:
        """Reconcile until ``stop`` is set, then end every connection and say so in the database."""
        async with httpx.AsyncClient(timeout=10, follow_redirects=False) as self._http:
            writer = asyncio.create_task(self._reports.write_for_ever(), name="slot-reports")
            try:
                await self._reconcile_until(stop)
            finally:
                await self._end(list(self._running))
                writer.cancel()
                await asyncio.gather(writer, return_exceptions=True)
                await self._reports.write()
                await self._database.close()

    async def _reconcile_until(self, stop: asyncio.Event) -> None:
        released = False
        while not stop.is_set():
            try:
                if not released:
                    await self._database.run(release_slots, node=self._node)
                    released = True
                await self._reconcile(await self._database.run(wanted_slots, only=self._only))
            except Error as error:
                logger.warning("database_unavailable", extra={"error": type(error).__name__})
            try:
                await asyncio.wait_for(stop.wait(), timeout=self._interval)
            except TimeoutError:
                continue

    async def _reconcile(self, wanted: list[WantedSlot]) -> None:
        should_be = {slot.slot_id: slot for slot in wanted}
        surplus = [
            slot_id
            for slot_id, running in self._running.items()
            if running.wanted != should_be.get(slot_id) or running.task.done()
        ]
        await self._end(surplus)
        for slot_id, slot in should_be.items():
            if slot_id not in self._running:
                self._running[slot_id] = self._start(slot)

    def _start(self, slot: WantedSlot) -> _Running:
        observer = SlotObserver(
            slot_id=slot.slot_id, app_id=slot.app_id, node=self._node, reports=self._reports
        )

        async def credentials() -> AppCredentials:
            return await self._database.run(credentials_of, slot.bot_id)

        async def sink(message: Message) -> Reply:
            return await self._sink(slot.bot_id, message)

        connection = Connection(
            credentials=credentials, sink=sink, observer=observer, http=self._http, name=slot.app_id
        )
        task = asyncio.create_task(connection.run(), name=f"connection-{slot.app_id}")
        return _Running(slot, task, observer)

    async def _end(self, slot_ids: list[int]) -> None:
        ending = [self._running.pop(slot_id) for slot_id in slot_ids]
        for running in ending:
            running.task.cancel()
        if ending:
            _, late = await asyncio.wait([running.task for running in ending], timeout=STOP_TIMEOUT)
            if late:
                logger.error("connections_did_not_end", extra={"count": len(late)})
        for running in ending:
            self._note_end(running)

    def _note_end(self, running: _Running) -> None:
        task = running.task
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            logger.error("connection_task_died", exc_info=error, extra={"app_id": running.wanted.app_id})
        running.observer.stopped()
