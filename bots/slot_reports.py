"""What connections tell of themselves, gathered and written to their rows twice a second."""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import DataError, Error
from django.utils import timezone

from bots.database_thread import DatabaseThread
from bots.domain.slots import write_reports
from bots.enums import SlotState
from feishu.errors import FeishuError
from feishu.gateway.connection import STOPPED
from feishu_portal.access.storable import storable

if TYPE_CHECKING:
    from datetime import datetime

logger = logging.getLogger("bots.connections")

WRITE_EVERY = 0.5  # seconds
UNSTORABLE = (DataError, OverflowError, ValueError)  # values, not the database, are at fault
FRAME_STEP = 5.0  # seconds between writes of "last heard", which is true on every frame


class SlotReports:
    """Changes of slots held by ``listener`` that are not in the database yet."""

    def __init__(self, database: DatabaseThread, *, listener: UUID) -> None:
        self._database = database
        self._listener = listener
        self._pending: dict[int, dict[str, Any]] = {}

    def add(self, slot_id: int, **values: Any) -> None:
        """Note new column values of a slot; later ones win."""
        self._pending.setdefault(slot_id, {}).update(values)

    async def write(self) -> None:
        """Write what is pending; on a database error it stays pending for the next time."""
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

    async def write_for_ever(self) -> None:
        """Write twice a second until cancelled."""
        while True:
            await asyncio.sleep(WRITE_EVERY)
            await self.write()


class SlotObserver:
    """Hears one connection (``feishu.gateway.connection.Observer``) and turns it into column values.

    ``heard`` is called when the platform is heard for the first time on an open socket.
    """

    def __init__(
        self, *, slot_id: int, app_id: str, node: str, reports: SlotReports, heard: Callable[[], None]
    ) -> None:
        self.hearing = False
        """The socket is open and something came through it."""
        self.has_failed = False
        """An attempt to connect did not succeed."""
        self._slot_id = slot_id
        self._app_id = app_id
        self._node = node
        self._reports = reports
        self._heard = heard
        self._known: dict[str, Any] = {}
        self._frame_reported: datetime | None = None
        self._reconnects = 0

    def connecting(self) -> None:
        self._state(SlotState.CONNECTING, node=self._node)

    def connected(self, device_id: str) -> None:
        now = timezone.now()
        self._state(
            SlotState.CONNECTED,
            connected_at=now,
            last_frame_at=now,
            error_code=None,
            error_message="",
            error_at=None,
        )
        logger.info("connection_up", extra={"app_id": self._app_id, "device_id": device_id})

    def disconnected(self, reason: str) -> None:
        self.hearing = False
        if reason == STOPPED:
            self._state(SlotState.STOPPED, connected_at=None)
            logger.info("connection_closed", extra={"app_id": self._app_id})
            return
        self._reconnects += 1
        self._state(SlotState.BACKOFF, connected_at=None, reconnects=self._reconnects)
        logger.warning("connection_lost", extra={"app_id": self._app_id, "reason": reason})

    def failed(self, error: FeishuError, *, attempt: int, fatal: bool, retry_in: float) -> None:
        self.has_failed = True
        self._state(
            SlotState.ERROR if fatal else SlotState.BACKOFF,
            connected_at=None,
            error_code=error.code,
            error_message=storable(str(error), 500),
            error_at=timezone.now(),
        )
        logger.warning(
            "connection_failed",
            extra={
                "app_id": self._app_id,
                "error": str(error),
                "attempt": attempt,
                "retry_in": round(retry_in, 1),
            },
        )

    def frame(self) -> None:
        self._is_hearing()
        now = timezone.now()
        if self._frame_reported is None or (now - self._frame_reported).total_seconds() >= FRAME_STEP:
            self._frame_reported = now
            self._report(last_frame_at=now)

    def heartbeat(self, interval: float) -> None:  # noqa: ARG002 -- the fact is enough here
        self._is_hearing()
        now = timezone.now()
        self._report(last_heartbeat_at=now, last_frame_at=now)

    def restate(self) -> None:
        """Report everything again: what was reported so far may not have reached the row."""
        self._reports.add(self._slot_id, **self._known)

    def _is_hearing(self) -> None:
        if not self.hearing:
            self.hearing = True
            self._heard()

    def _state(self, state: SlotState, **values: Any) -> None:
        self._report(state=state, state_changed_at=timezone.now(), **values)

    def _report(self, **values: Any) -> None:
        self._known |= values
        self._reports.add(self._slot_id, **values)
