"""What connections report of themselves, gathered and written to the database twice a second."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from bots.connections.losses import write_losses
from bots.connections.slots import write_reports
from bots.models import ConnectionLoss
from core.background.write_behind import Merge, WriteBehind
from core.database.thread import DatabaseThread

WRITE_EVERY: Final = 0.5
"""Seconds."""
MAX_SLOTS: Final = 10_000
"""With reports that wait while the database is away; more than a process holds."""
MAX_LOSSES: Final = 5_000


@dataclass(frozen=True, slots=True)
class SlotReport:
    """New values of columns of one slot."""

    slot_id: int
    values: dict[str, Any]

    def followed_by(self, newer: "SlotReport") -> "SlotReport":
        """Both in one: the newer values win."""
        return SlotReport(self.slot_id, self.values | newer.values)


class SlotReports:
    """Changes of slots held by the process ``holder``, and losses, that are not in the database yet."""

    def __init__(self, database: DatabaseThread, *, holder: UUID) -> None:
        self.slots: WriteBehind[SlotReport] = WriteBehind(
            lambda reports: write_reports({one.slot_id: one.values for one in reports}, holder=holder),
            name="slot reports",
            database=database,
            every=WRITE_EVERY,
            max_kept=MAX_SLOTS,
            merge=Merge(key=lambda report: report.slot_id, merged=SlotReport.followed_by),
        )
        self.losses: WriteBehind[ConnectionLoss] = WriteBehind(
            write_losses, name="losses", database=database, every=WRITE_EVERY, max_kept=MAX_LOSSES
        )

    def add(self, slot_id: int, **values: Any) -> None:
        """Note new values of a slot's columns."""
        self.slots.add(SlotReport(slot_id, values))

    def lost(self, loss: ConnectionLoss) -> None:
        """Note the end of a connection."""
        self.losses.add(loss)

    async def run(self) -> None:
        """Write twice a second until ``stop`` is called, and then what is left. Not to be cancelled: what waits for the
        database just then would be lost."""
        await asyncio.gather(self.slots.run(), self.losses.run())

    def stop(self) -> None:
        """End ``run`` after one more write."""
        self.slots.stop()
        self.losses.stop()

    async def flush(self) -> None:
        """Write what there is."""
        await self.slots.flush()
        await self.losses.flush()
