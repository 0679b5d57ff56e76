"""The processes that share the bots' connections, as they know each other: by their rows, which each keeps up to date."""

from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from django.db import connection

from bots.enums import ProcessKind, ProcessRole
from bots.live_updates import processes_changed
from bots.models import FleetProcess
from bots.processes.heartbeats import ThisProcess, note_end
from core.database.clock import DatabaseTime, from_now
from core.database.compiled import Compiled
from core.database.sql import run
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
        "capacity": me.capacity,
        "draining": me.draining,
        "only": connection.ops.adapt_json_value(sorted(me.only), None),
        "clock_offset": platform_clock.offset(),
    }
    now, zero = from_now(0.0)
    columns = ", ".join(f'"{column}" = %s' for column in values)
    statement = f"UPDATE bots_fleetprocess SET seen_at = {now}, worked_at = {now}, {columns} WHERE id = %s"  # noqa: S608 -- names of columns
    parameters = [zero, zero, *values.values(), me.id]
    if not run(statement, parameters):
        facts = ThisProcess(ProcessKind.RUNFEISHU, (ProcessRole.LISTEN,)).facts
        created = FleetProcess(id=me.id, started_at=DatabaseTime(), seen_at=DatabaseTime(), **facts)
        # The heartbeat may be there first.
        FleetProcess.objects.bulk_create([created], ignore_conflicts=True)
        run(statement, parameters)
        processes_changed()


def peers(*, seconds: float) -> list[Peer]:
    """Processes that have announced themselves within so many seconds."""
    return [
        Peer(pk, capacity, draining, frozenset(only))
        for pk, capacity, draining, only in _seen(seconds).rows()
    ]


@lru_cache(maxsize=8)
def _seen(seconds: float) -> Compiled:
    columns = ("id", "capacity", "draining", "only")
    rows = FleetProcess.objects.listeners().seen_within(seconds).order_by("id")
    return Compiled(lambda: rows.values_list(*columns))


def retire(process: UUID) -> None:
    """The process ends: it counts no longer."""
    note_end(process)
    processes_changed()
