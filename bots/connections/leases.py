"""Leases on slots: who holds a connection, for how long, and how it changes hands.

Each change is one UPDATE whose conditions and row count decide, in a transaction of its own: two processes that want
the same slot never wait for each other, and a lock is never held across two rows. Time is the database's.

A planned move is a pull, and the holder is not asked: the new process reserves the handover as ``successor``, connects,
receives from the platform, and only then makes itself the holder; the old one sees that it holds the slot no longer and
closes. So the bot is connected all the time, and there is one holder at every instant. Every process computes the same
shares from the same rows, so no offer and no answer is needed; and a move that breaks off half-way, on whichever side,
leaves nothing to undo: the reservation runs out.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from bots.connections.advice import NO_ROOM
from bots.connections.heartbeats import NO_HEARTBEATS
from bots.connections.processes import Peer, announce, peers
from bots.connections.slots import SeenSlot, seen_slots
from bots.enums import SlotState
from bots.live_updates import slots_changed
from bots.models import Bot, ConnectionSlot
from core.database.clock import DatabaseTime, from_now
from core.database.compiled import AnyRows
from core.database.sql import run
from core.installation.watch import watch

_ALIVE = (SlotState.CONNECTED, SlotState.CONNECTING, SlotState.BACKOFF)
_NOTHING_KNOWN = {
    "connected_at": None,
    "error_code": None,
    "error_reason": "",
    "error_message": "",
    "error_at": None,
    **NO_HEARTBEATS,
}
_DOWN = {"down_since": Coalesce("down_since", DatabaseTime())}


@dataclass(frozen=True, slots=True)
class Survey:
    """Which processes live, and which slot is held by which of them, at one moment."""

    peers: list[Peer]
    slots: list[SeenSlot]
    is_passive: bool = False
    """The portal works with a copy of its database: nothing may be connected."""


def renew(me: Peer, *, name: str, seconds: float, is_taking_over: bool) -> Survey:
    """Announce the process, extend all its leases in one UPDATE, and survey the fleet after that.

    A lease that ran out is renewed as well, as long as no other process has claimed the slot. ``is_taking_over``: it connects
    for slots that another process holds; reservations that it made without knowing run out.

    Every process does this every second or so, for as long as it lives: four statements, written once.
    """
    announce(me, name=name)
    later, ahead = from_now(seconds)
    run(f"UPDATE bots_connectionslot SET lease_until = {later} WHERE holder = %s", [ahead, me.id])  # noqa: S608 -- constants
    if is_taking_over:
        reserved = f"UPDATE bots_connectionslot SET successor_until = {later} WHERE successor = %s"  # noqa: S608 -- see above
        run(reserved, [ahead, me.id])
    return Survey(peers(seconds=seconds), seen_slots(), is_passive=watch.is_passive())


def claim(slot_id: int, *, holder: UUID, name: str, seconds: float) -> bool:
    """Take a slot that no process holds or is about to take over; whether that worked."""
    taken = ConnectionSlot.objects.filter(_is_not_held(), _is_not_reserved(), id=slot_id).update(
        **_handed_to(holder, name, seconds),
        **_NOTHING_KNOWN,
        **_DOWN,
        state=SlotState.CONNECTING,
        state_changed_at=DatabaseTime(),
    )
    if taken:
        slots_changed([slot_id])
    return taken == 1


def reserve_handover(slot_id: int, *, holder: UUID, successor: UUID, seconds: float) -> bool:
    """Begin to take a slot over from ``holder``; False when another process does, or it has changed hands."""
    reserved = ConnectionSlot.objects.filter(_is_not_reserved(), id=slot_id, holder=holder).update(
        successor=successor, successor_until=DatabaseTime(seconds)
    )
    return reserved == 1


def complete_handover(slot_id: int, *, successor: UUID, name: str, seconds: float) -> bool:
    """Become the holder, whatever became of the one before; False when the reservation ran out and was lost."""
    taken = ConnectionSlot.objects.filter(id=slot_id, successor=successor).update(
        **_handed_to(successor, name, seconds)
    )
    if taken:
        slots_changed([slot_id])
    return taken == 1


def release(slot_ids: Collection[int], *, process: UUID) -> None:
    """Give these slots back, held or reserved; to be called when their sockets are closed. Those of others stay theirs."""
    slots = ConnectionSlot.objects.filter(id__in=slot_ids)
    slots.filter(successor=process).update(successor=None, successor_until=None)
    slots.filter(holder=process).update(
        **_NOTHING_KNOWN,
        **_DOWN,
        holder=None,
        lease_until=None,
        state=SlotState.STOPPED,
        state_changed_at=DatabaseTime(),
    )
    slots_changed(slot_ids)


def release_all() -> int:
    """Take every slot back from whoever held it when the database was copied; returns how many."""
    held = ConnectionSlot.objects.filter(Q(holder__isnull=False) | Q(successor__isnull=False))
    return held.update(
        **_NOTHING_KNOWN,
        **_DOWN,
        holder=None,
        lease_until=None,
        successor=None,
        successor_until=None,
        epoch=F("epoch") + 1,
        state=SlotState.STOPPED,
        state_changed_at=DatabaseTime(),
    )


def reap() -> None:
    """Correct the rows that dead processes left behind: none may read as connected, nor one of a disabled bot as broken."""
    if not _LEFT_BEHIND.found():
        return
    reaped = _left_behind().update(
        **_NOTHING_KNOWN, **_DOWN, state=SlotState.STOPPED, state_changed_at=DatabaseTime()
    )
    if reaped:
        slots_changed()


def _left_behind() -> QuerySet[ConnectionSlot]:
    unwanted = ~Q(bot__in=Bot.objects.listening()) & ~Q(state=SlotState.STOPPED)
    return ConnectionSlot.objects.filter(_is_not_held(), Q(state__in=_ALIVE) | unwanted)


_LEFT_BEHIND = AnyRows(
    slots=lambda: _left_behind().order_by()
)  # mostly none; there are no more slots than connections


def mark_unplaceable(slot_id: int) -> None:
    """Note in the row that every process is full."""
    marked = ConnectionSlot.objects.filter(_is_not_held(), id=slot_id).exclude(error_reason=NO_ROOM)
    if marked.update(
        **_DOWN,
        state=SlotState.ERROR,
        state_changed_at=DatabaseTime(),
        connected_at=None,
        error_code=None,
        error_reason=NO_ROOM,
        error_message="",
        error_at=DatabaseTime(),
    ):
        slots_changed([slot_id])


def _handed_to(holder: UUID, name: str, seconds: float) -> dict[str, object]:
    return {
        "holder": holder,
        "epoch": F("epoch") + 1,
        "lease_until": DatabaseTime(seconds),
        "node": name,
        "successor": None,
        "successor_until": None,
    }


def _is_not_held() -> Q:
    return Q(holder=None) | Q(lease_until__lt=DatabaseTime())


def _is_not_reserved() -> Q:
    return Q(successor=None) | Q(successor_until__lt=DatabaseTime())
