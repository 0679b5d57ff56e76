"""The processes that share the bots' connections, as they know each other: by their rows, which each keeps up to date."""

from dataclasses import dataclass
from uuid import UUID

from bots.enums import ProcessKind, ProcessRole
from bots.live_updates import processes_changed
from bots.models import FleetProcess
from bots.processes.heartbeats import ThisProcess, note_end
from core.database.clock import DatabaseTime
from feishu.platform_clock import platform_clock


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
        "worked_at": DatabaseTime(),
        "capacity": me.capacity,
        "draining": me.draining,
        "only": sorted(me.only),
        "clock_offset": platform_clock.offset(),
    }
    row = FleetProcess.objects.filter(id=me.id)
    if not row.update(**values):
        facts = ThisProcess(ProcessKind.RUNFEISHU, (ProcessRole.LISTEN,)).facts
        created = FleetProcess(id=me.id, started_at=DatabaseTime(), **facts | values)
        # The heartbeat may be there first.
        FleetProcess.objects.bulk_create([created], ignore_conflicts=True)
        row.update(**values)
        processes_changed()


def peers(*, seconds: float) -> list[Peer]:
    """Processes that have announced themselves within so many seconds."""
    rows = FleetProcess.objects.listeners().seen_within(seconds).order_by("id")
    return [Peer(row.id, row.capacity, row.draining, frozenset(row.only)) for row in rows]


def retire(process: UUID) -> None:
    """The process ends: it counts no longer."""
    note_end(process)
    processes_changed()
