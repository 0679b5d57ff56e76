"""Heartbeats: what each process says of itself, in one row."""

import os
import socket
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID, uuid4

from django.db.models import Exists, OuterRef

from bots.enums import LISTENING, ProcessKind, ProcessRole
from bots.models import FleetProcess
from core import __version__
from core.database.clock import DatabaseTime

FORGOTTEN_AFTER: Final = 3600.0
"""Seconds after which the row of a process that died or was ended is deleted."""
WATCH_EVERY: Final = 15.0
"""Seconds between two looks for what nobody does."""


@dataclass(frozen=True, slots=True)
class ThisProcess:
    """Who writes heartbeats."""

    kind: ProcessKind
    roles: Collection[ProcessRole] = ()
    name: str = ""
    """Host and process, e.g. ``app-1:4711``."""
    id: UUID = field(default_factory=uuid4)
    host: str = field(default_factory=lambda: socket.gethostname()[:100])
    pid: int = field(default_factory=os.getpid)

    @property
    def facts(self) -> dict[str, object]:
        return {
            "kind": self.kind,
            "host": self.host,
            "pid": self.pid,
            "version": __version__,
            "roles": [role.value for role in self.roles],
        }


def note_heartbeat(me: ThisProcess, *, stalled: Collection[str], seconds_since_pass: float | None) -> None:
    """One statement. Of a process that holds connections, the renewal of its leases says that it lives."""
    values: dict[str, object] = {**me.facts, "stalled": list(stalled)}
    if me.kind not in LISTENING:
        worked_at = None if seconds_since_pass is None else DatabaseTime(-seconds_since_pass)
        values |= {"seen_at": DatabaseTime(), "worked_at": worked_at}
    if not FleetProcess.objects.filter(id=me.id).update(**values):
        values |= {"name": me.name, "seen_at": DatabaseTime(), "started_at": DatabaseTime()}
        # The renewal of its leases may be there first.
        FleetProcess.objects.bulk_create([FleetProcess(id=me.id, **values)], ignore_conflicts=True)


def note_end(process: UUID) -> None:
    """The process was ended as it should be: nobody waits for its heartbeats."""
    FleetProcess.objects.filter(id=process, stopped_at=None).update(stopped_at=DatabaseTime())


def begin_watch(me: ThisProcess) -> bool:
    """Whether it is this process's turn to look for what nobody does: of all processes one has it, for ``WATCH_EVERY``
    seconds."""
    lately = FleetProcess.objects.filter(watched_at__gt=DatabaseTime(-WATCH_EVERY)).exclude(id=OuterRef("id"))
    mine = FleetProcess.objects.filter(id=me.id).exclude(watched_at__gt=DatabaseTime(-WATCH_EVERY))
    return mine.filter(~Exists(lately)).update(watched_at=DatabaseTime()) == 1


def forget_gone() -> None:
    """Delete the rows of processes that have been gone for long."""
    FleetProcess.objects.filter(seen_at__lt=DatabaseTime(-FORGOTTEN_AFTER)).delete()
