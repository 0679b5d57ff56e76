"""The processes that share the bots, as they know each other: by rows that each keeps fresh."""

from dataclasses import dataclass
from uuid import UUID

from bots.live_updates import listeners_changed
from bots.models import Listener
from core.database.clock import DatabaseTime

FORGOTTEN_AFTER = 3600.0
"""Seconds after which the row of a process that died is taken away."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A process that lives. ``only``: the App IDs it is confined to; empty for all."""

    id: UUID
    capacity: int
    draining: bool = False
    only: frozenset[str] = frozenset()

    def may_hold(self, app_id: str) -> bool:
        return not self.draining and (not self.only or app_id in self.only)


def announce(me: Peer, *, name: str) -> None:
    """Say that the process lives, and what it can carry."""
    values = {
        "name": name,
        "seen_at": DatabaseTime(),
        "capacity": me.capacity,
        "draining": me.draining,
        "only": sorted(me.only),
    }
    if not Listener.objects.filter(id=me.id).update(**values):
        Listener.objects.create(id=me.id, **values)
        listeners_changed()
    Listener.objects.filter(seen_at__lt=DatabaseTime(-FORGOTTEN_AFTER)).delete()


def peers(*, seconds: float) -> list[Peer]:
    """Everybody heard of within so many seconds."""
    rows = Listener.objects.filter(seen_at__gt=DatabaseTime(-seconds)).order_by("id")
    return [Peer(row.id, row.capacity, row.draining, frozenset(row.only)) for row in rows]


def retire(listener: UUID) -> None:
    """The process ends and counts no longer."""
    Listener.objects.filter(id=listener).delete()
    listeners_changed()
