"""The columns of the board: processes that hold connections, as far as an operator may know of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import BooleanField, Count, ExpressionWrapper, Q, QuerySet

from bots.connections import advice
from bots.connections.status import Outline
from bots.models import ConnectionSlot, FleetProcess
from bots.models.connections import HELD
from core.access.models import User
from core.database.clock import DatabaseTime
from feishu.codes import CodeInfo

REMEMBERED: Final = 600.0
"""Seconds for which a process that died is shown."""


@dataclass(frozen=True, slots=True)
class Process:
    """One ``runfeishu``. ``capacity`` and what else concerns all bots is for administrators: None for everybody else."""

    id: UUID
    name: str
    load: int
    capacity: int | None = None
    seen_at: datetime | None = None
    is_alive: bool = True
    is_draining: bool = False
    confined_to: int = 0

    @property
    def percent(self) -> int:
        """How full it is."""
        return min(100, round(100 * self.load / self.capacity)) if self.capacity else 0

    @property
    def facts(self) -> tuple[object, ...]:
        """Everything about it that does not change by itself every second."""
        return (
            self.id,
            self.name,
            self.load,
            self.capacity,
            self.is_alive,
            self.is_draining,
            self.confined_to,
        )


def processes(user: User, bots: Sequence[Outline]) -> list[Process]:
    """Who holds connections, by name: all processes for who sees everything; for others those that hold their bots, and only
    what of their bots they hold."""
    return _all() if user.sees_everything else _of(bots)


def _all() -> list[Process]:
    held = ConnectionSlot.objects.filter(HELD).exclude(holder=None).order_by()
    loads = dict(held.values_list("holder").annotate(Count("pk")))
    is_alive = ExpressionWrapper(Q(seen_at__gt=DatabaseTime(-settings.LEASE_SECONDS)), BooleanField())
    rows: QuerySet[Any] = FleetProcess.objects.listeners().seen_within(REMEMBERED)
    return [
        Process(
            id=row.pk,
            name=row.name,
            load=loads.get(row.pk, 0),
            capacity=row.capacity,
            seen_at=row.seen_at,
            is_alive=row.is_alive,
            is_draining=row.draining,
            confined_to=len(row.only),
        )
        for row in rows.annotate(is_alive=is_alive).order_by("name", "pk")
    ]


def _of(bots: Sequence[Outline]) -> list[Process]:
    holders = [holder for bot in bots for holder in bot.holders]
    names, loads = dict(holders), Counter(pk for pk, _name in holders)
    return [
        Process(id=pk, name=name, load=loads[pk])
        for pk, name in sorted(names.items(), key=lambda item: (item[1], str(item[0])))
    ]


def why_not_held(running: Sequence[Process]) -> CodeInfo:
    """Why no process holds a connection, ``running`` being all processes there are."""
    usable = [process for process in running if process.is_alive and not process.is_draining]
    if not usable:
        return advice.NO_PROCESS
    return advice.PROCESSES_CONFINED if all(process.confined_to for process in usable) else advice.NOT_HELD
