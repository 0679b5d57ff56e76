"""What connections tell of themselves, gathered and written to the database twice a second."""

import asyncio
import logging
from collections import deque
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db import DataError, Error, IntegrityError

from bots.connections.losses import write_losses
from bots.connections.slots import write_reports
from bots.models import ConnectionLoss
from core.database.thread import DatabaseThread

logger = logging.getLogger("bots.connections")

WRITE_EVERY = 0.5  # seconds
UNSTORABLE = (DataError, OverflowError, ValueError)  # values, not the database, are at fault
MOST_LOSSES = 5000  # kept while the database is away; the oldest go first


class SlotReports:
    """Changes of slots held by ``listener``, and losses, that are not in the database yet."""

    def __init__(self, database: DatabaseThread, *, listener: UUID) -> None:
        self._database = database
        self._listener = listener
        self._pending: dict[int, dict[str, Any]] = {}
        self._losses: deque[ConnectionLoss] = deque(maxlen=MOST_LOSSES)

    def add(self, slot_id: int, **values: Any) -> None:
        """Note new column values of a slot; later ones win."""
        self._pending.setdefault(slot_id, {}).update(values)

    def lost(self, loss: ConnectionLoss) -> None:
        """Note the end of a connection."""
        self._losses.append(loss)

    async def write(self) -> None:
        """Write what is pending; on a database error it stays pending for the next time. Raises nothing."""
        for write in (self._write_slots, self._write_losses):
            try:
                await write()
            except Exception:
                # Whoever writes has to go on writing, and whoever ends has more to do than this.
                logger.exception("slot_reports_failed")

    async def write_until(self, end: asyncio.Event) -> None:
        """Write twice a second until `end` is set, and then what is left.

        Not to be cancelled: what waits for the database just then would be lost.
        """
        while not end.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(WRITE_EVERY):
                    await end.wait()
            await self.write()
        await self.write()  # what came during the last

    async def _write_slots(self) -> None:
        pending, self._pending = self._pending, {}
        if not pending:
            return
        try:
            await self._database.run(write_reports, pending, holder=self._listener)
        except UNSTORABLE:
            for slot_id, values in pending.items():
                await self._write_alone(slot_id, values)
        except Error as error:
            logger.warning("slot_reports_not_written", extra={"error": type(error).__name__})
            for slot_id, values in pending.items():
                self._pending[slot_id] = values | self._pending.get(slot_id, {})

    async def _write_alone(self, slot_id: int, values: dict[str, Any]) -> None:
        """What no column takes is dropped: kept, it would hold up the reports of every other connection."""
        try:
            await self._database.run(write_reports, {slot_id: values}, holder=self._listener)
        except UNSTORABLE:
            logger.exception("slot_report_dropped", extra={"slot": slot_id})
        except Error:
            self._pending[slot_id] = values | self._pending.get(slot_id, {})

    async def _write_losses(self) -> None:
        losses = list(self._losses)
        if not losses:
            return
        self._losses.clear()
        try:
            await self._database.run(write_losses, losses)
        except (*UNSTORABLE, IntegrityError):
            for loss in losses:
                await self._write_loss_alone(loss)
        except Error as error:
            logger.warning("losses_not_written", extra={"error": type(error).__name__})
            self._losses.extendleft(reversed(losses))

    async def _write_loss_alone(self, loss: ConnectionLoss) -> None:
        try:
            await self._database.run(write_losses, [loss])
        except (*UNSTORABLE, IntegrityError):
            logger.exception("loss_dropped", extra={"bot": str(loss.bot_id)})
        except Error:
            self._losses.append(loss)
