"""Which process should hold which connections. Pure: every process computes the same from the same rows, so that none
has to be asked.

Free slots are claimed up to the fair share, those of bots without a connection first; slots of one bot go to different
processes as long as there are any. Slots that the others leave alone for two rounds are taken all the same: availability
comes before balance.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from bots.connections.leases import Survey
from bots.connections.processes import Peer
from bots.connections.slots import SeenSlot

PATIENCE = 2
"""Rounds for which a slot is left to a process that it suits better."""
GENTLE = 10
"""A round moves one in so many of the connections that a process has too many, at least one."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A slot to claim or take over. ``beyond_share``: even when the process has its fair share already."""

    slot: SeenSlot
    beyond_share: bool = False


class Balance:
    """The loads of all processes as ``me`` sees them."""

    def __init__(self, me: Peer, survey: Survey) -> None:
        self._me = me
        self._slots = survey.slots
        self._peers = {peer.id: peer for peer in survey.peers} | {me.id: me}
        self._loads = Counter(slot.owner for slot in survey.slots if slot.owner)
        self._of_bot: Counter[tuple[UUID | None, UUID]] = Counter(
            (slot.owner, slot.wanted.bot_id) for slot in survey.slots if slot.owner
        )
        self._shares = fair_shares(survey.slots, list(self._peers.values()))

    @property
    def share(self) -> int:
        return self._shares[self._me.id]

    @property
    def load(self) -> int:
        """Slots that this process holds or is about to take over."""
        return self._loads[self._me.id]

    def free(self) -> list[SeenSlot]:
        return [slot for slot in self._slots if slot.owner is None]

    def unassigned(self) -> list[SeenSlot]:
        """Free slots, and those whose holder is about to leave."""
        return [slot for slot in self._slots if slot.owner is None or self._is_leaving(slot)]

    def unplaceable(self) -> list[SeenSlot]:
        """Free slots for which no process has room."""
        return [
            slot
            for slot in self.free()
            if any(peer.may_hold(slot.wanted.app_id) for peer in self._peers.values())
            and not any(self._could_take(slot))
        ]

    def claims(self, waited: Mapping[int, float]) -> list[Candidate]:
        """Free slots to claim, in this order. ``waited``: for how many rounds each has been unassigned."""
        return list(self._candidates(self.free(), waited))

    def moves(self, waited: Mapping[int, float]) -> list[Candidate]:
        """Slots to take over from others who hold them: all of a process that leaves, else a few at a time."""
        leaving = [slot for slot in self._slots if self._is_leaving(slot)]
        moves = list(self._candidates(leaving, waited))
        deficit = self.share - self.load - len(moves)
        if deficit > 0:
            moves += self._surplus()[: math.ceil(deficit / GENTLE)]
        return moves or self._companions()[:1]

    def successors_exist(self) -> bool:
        """Whether another process takes over one of this process's slots, or could."""
        return any(
            slot.successor is not None or any(peer.id != self._me.id for peer in self._could_take(slot))
            for slot in self._slots
            if slot.holder == self._me.id and slot.connected
        )

    def _candidates(self, slots: list[SeenSlot], waited: Mapping[int, float]) -> Iterator[Candidate]:
        """Slots of one bot only as far as no other process has fewer of them, or none came for them."""
        planned: Counter[UUID] = Counter()
        for slot in sorted(slots, key=self._urgency):
            bot_id = slot.wanted.bot_id
            if not self._me.may_hold(slot.wanted.app_id):
                continue
            overdue = waited.get(slot.slot_id, 0) >= PATIENCE
            if not overdue and self._suits_others(slot, self._of_bot[self._me.id, bot_id] + planned[bot_id]):
                continue
            planned[bot_id] += 1
            yield Candidate(slot, beyond_share=overdue)

    def _surplus(self) -> list[Candidate]:
        """Slots of processes that hold more than their share, companions of one bot first."""
        left = {peer.id: self._loads[peer.id] - self._shares[peer.id] for peer in self._peers.values()}
        bots: set[UUID] = set()
        found = []
        for slot in sorted(self._slots, key=lambda slot: (-self._crowding(slot), self._own_order(slot))):
            if not self._movable(slot) or self._crowding(slot) < 1 or slot.wanted.bot_id in bots:
                continue
            if slot.holder in left and left[slot.holder] > 0:
                left[slot.holder] -= 1
                bots.add(slot.wanted.bot_id)
                found.append(Candidate(slot))
        return found

    def _companions(self) -> list[Candidate]:
        """Slots that share their process with another of the same bot and would be alone here.

        One above the share is allowed for that: a process that is then below its own takes another in return.
        """
        if self.load > self.share:
            return []
        return [
            Candidate(slot, beyond_share=True)
            for slot in sorted(self._slots, key=self._own_order)
            if self._movable(slot) and self._crowding(slot) >= 2
        ]

    def _movable(self, slot: SeenSlot) -> bool:
        """Only one that is connected: the others are no better off elsewhere."""
        return (
            slot.connected
            and slot.holder not in {None, self._me.id}
            and slot.successor is None
            and not self._is_leaving(slot)
            and self._me.may_hold(slot.wanted.app_id)
        )

    def _crowding(self, slot: SeenSlot) -> int:
        """How many more of the bot's slots its holder has than this process."""
        bot = slot.wanted.bot_id
        return self._of_bot[slot.holder, bot] - self._of_bot[self._me.id, bot]

    def _is_leaving(self, slot: SeenSlot) -> bool:
        holder = self._peers.get(slot.holder) if slot.holder else None
        return holder is not None and holder.draining and slot.connected and slot.successor is None

    def _urgency(self, slot: SeenSlot) -> tuple[bool, int, int]:
        """Bots without a connection first, then what suits few others; else each process in an order of its own."""
        is_connected = any((peer, slot.wanted.bot_id) in self._of_bot for peer in self._peers)
        others = sum((peer.id, slot.wanted.bot_id) not in self._of_bot for peer in self._could_take(slot))
        return is_connected, others, self._own_order(slot)

    def _own_order(self, slot: SeenSlot) -> int:
        """Another for each process, so that they do not all claim the same slots."""
        return hash((self._me.id, slot.slot_id))

    def _suits_others(self, slot: SeenSlot, mine: int) -> bool:
        return any(
            peer.id != self._me.id and self._of_bot[peer.id, slot.wanted.bot_id] < mine
            for peer in self._could_take(slot)
        )

    def _could_take(self, slot: SeenSlot) -> Iterator[Peer]:
        for peer in self._peers.values():
            if peer.may_hold(slot.wanted.app_id) and self._loads[peer.id] < peer.capacity:
                yield peer


def fair_shares(slots: list[SeenSlot], peers: list[Peer]) -> dict[UUID, int]:
    """How many slots each process should have: as equal as capacities and confinements allow."""
    shares = {peer.id: 0 for peer in sorted(peers, key=lambda peer: peer.id)}
    candidates = {
        app_id: [peer for peer in peers if peer.may_hold(app_id)]
        for app_id in {slot.wanted.app_id for slot in slots}
    }
    # What few may hold is dealt first, or those few would be full of what anybody could have.
    for slot in sorted(slots, key=lambda slot: len(candidates[slot.wanted.app_id])):
        open_to = [peer for peer in candidates[slot.wanted.app_id] if shares[peer.id] < peer.capacity]
        if open_to:
            shares[min(open_to, key=lambda peer: (shares[peer.id], peer.id)).id] += 1
    return shares
