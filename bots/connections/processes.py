"""The processes that share the bots' connections, as they know each other: by rows that each keeps up to date."""

from dataclasses import dataclass
from uuid import UUID

from bots.live_updates import processes_changed
from bots.models import FleetProcess
from core.database.clock import DatabaseTime
from feishu.platform_clock import platform_clock

FORGOTTEN_AFTER = 3600.0
"""Seconds after which the row of a process that died is deleted."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A living process. ``only``: the App IDs it is confined to; empty for all."""

    id: UUID
    capacity: int
    draining: bool = False
    only: frozenset[str] = frozenset()

    def may_hold(self, app_id: str) -> bool:
        return not self.draining and (not self.only or app_id in self.only)


def announce(me: Peer, *, name: str) -> None:
    """Note that the process lives, and how many connections it can hold."""
    values = {
        "name": name,
        "seen_at": DatabaseTime(),
        "capacity": me.capacity,
        "draining": me.draining,
        "only": sorted(me.only),
        "clock_offset": platform_clock.offset(),
    }
    if not FleetProcess.objects.filter(id=me.id).update(**values):
        FleetProcess.objects.create(id=me.id, **values)
        processes_changed()
    FleetProcess.objects.filter(seen_at__lt=DatabaseTime(-FORGOTTEN_AFTER)).delete()


def peers(*, seconds: float) -> list[Peer]:
    """Processes that have announced themselves within so many seconds."""
    rows = FleetProcess.objects.filter(seen_at__gt=DatabaseTime(-seconds)).order_by("id")
    return [Peer(row.id, row.capacity, row.draining, frozenset(row.only)) for row in rows]


def retire(process: UUID) -> None:
    """The process ends: it counts no longer."""
    FleetProcess.objects.filter(id=process).delete()
    processes_changed()
