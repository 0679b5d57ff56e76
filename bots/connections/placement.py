"""Claiming and taking over the slots that are due to one process."""

import logging
from collections.abc import Callable
from typing import Protocol

from django.utils import timezone

from bots.connections.balance import Balance, Candidate
from bots.connections.leases import claim, mark_unplaceable, reap, reserve_handover
from bots.connections.processes import Peer
from bots.connections.renewal import LeaseTerms
from bots.connections.reports import SlotReports
from bots.connections.slots import SeenSlot, WantedSlot
from bots.enums import LossReason
from bots.metrics import count_takeover
from bots.models import ConnectionLoss
from core.database.thread import DatabaseThread
from core.log_pace import THINNED
from feishu.long_connection.sleep import counting_sleep

logger = logging.getLogger(__name__)

POSTPONED = 60.0
"""Seconds until a slot is tried again whose connection here did not get through, while its holder's works."""

REAP_ROUNDS = 3
"""Rounds between two corrections of what dead processes left in the rows: they are for readers, and nothing waits for them."""

RESTART_SILENT = "If it hangs, the platform still counts its connections and sends them a share of the events: stop or restart it"

clock = counting_sleep


class Start(Protocol):
    """Opens the connection of a slot that was claimed (``held``) or whose handover was reserved."""

    def __call__(self, wanted: WantedSlot, *, held: bool) -> None: ...


class Placement:
    """Takes slots round by round. ``is_connected`` says whether a slot has a connection here already."""

    def __init__(
        self,
        me: Peer,
        *,
        node: str,
        terms: LeaseTerms,
        database: DatabaseThread,
        reports: SlotReports,
        is_connected: Callable[[int], bool],
        start: Start,
    ) -> None:
        self._me = me
        self._node = node
        self._terms = terms
        self._database = database
        self._reports = reports
        self._is_connected = is_connected
        self._start = start
        self._unassigned_since: dict[int, float] = {}
        self._postponed_until: dict[int, float] = {}
        self._is_full = False
        self._reap_at = float("-inf")

    def postpone(self, slot_id: int) -> None:
        """The connection that was to take the slot over did not get through: leave it with its holder for a while."""
        self._postponed_until[slot_id] = clock() + POSTPONED

    async def take(self, balance: Balance, *, patient: bool) -> None:
        """Claim and take over what is due. ``patient``: leave slots whose lease ran out to their holders.

        Raises django.db.Error.
        """
        now = clock()
        self._unassigned_since = {
            slot.slot_id: self._unassigned_since.get(slot.slot_id, now) for slot in balance.unassigned()
        }
        waited = {
            slot_id: (now - since) / self._terms.interval for slot_id, since in self._unassigned_since.items()
        }
        self._postponed_until = {
            slot_id: until for slot_id, until in self._postponed_until.items() if until > now
        }
        load = balance.load
        for candidate in balance.claims(waited):
            if not (patient and candidate.slot.lapsed):
                load += await self._take_one(candidate, load=load, share=balance.share)
        for candidate in balance.moves(waited):
            if candidate.slot.slot_id not in self._postponed_until:
                load += await self._take_one(candidate, load=load, share=balance.share)
        if not patient:
            if now >= self._reap_at:
                await self._database.run(reap)
                self._reap_at = now + REAP_ROUNDS * self._terms.interval
            await self._mark_unplaceable(balance)

    async def _take_one(self, candidate: Candidate, *, load: int, share: int) -> bool:
        """Whether the slot was taken."""
        slot, limit = candidate.slot, self._me.capacity if candidate.beyond_share else share
        if load >= min(limit, self._me.capacity) or self._is_connected(slot.slot_id):
            return False
        me, seconds = self._me.id, self._terms.seconds
        taken = (
            await self._database.run(claim, slot.slot_id, holder=me, name=self._node, seconds=seconds)
            if slot.holder is None
            else await self._database.run(
                reserve_handover, slot.slot_id, holder=slot.holder, successor=me, seconds=seconds
            )
        )
        if taken:
            if slot.holder is None:
                count_takeover("lapsed" if slot.lapsed else "free")
            if slot.lapsed:
                self._note_silent_holder(slot)
            self._start(slot.wanted, held=slot.holder is None)
        return taken

    def _note_silent_holder(self, slot: SeenSlot) -> None:
        """What a process that died could not write down itself; and a warning, because one that hangs keeps its sockets."""
        wanted = slot.wanted
        extra = {"app_id": wanted.app_id, "slot": wanted.number, "silent": slot.node, "cure": RESTART_SILENT}
        logger.warning("silent_process_replaced", extra=extra | THINNED)
        self._reports.lost(
            ConnectionLoss(
                bot_id=wanted.bot_id,
                number=wanted.number,
                node=slot.node,
                at=timezone.now(),
                reason=LossReason.DIED,
            )
        )

    async def _mark_unplaceable(self, balance: Balance) -> None:
        unplaceable = balance.unplaceable()
        for slot in unplaceable:
            await self._database.run(mark_unplaceable, slot.slot_id)
        if unplaceable and not self._is_full:
            extra = {"max_connections": self._me.capacity, "waiting": len(unplaceable)}
            logger.error("no_room_for_connections", extra=extra)
        self._is_full = bool(unplaceable)
