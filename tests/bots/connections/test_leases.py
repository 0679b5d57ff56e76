from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.utils import timezone

from bots.connections.advice import NO_ROOM
from bots.connections.leases import (
    claim,
    complete_handover,
    mark_unplaceable,
    reap,
    release,
    renew,
    reserve_handover,
)
from bots.connections.processes import Peer, announce, peers, retire
from bots.connections.slots import seen_slots, write_reports
from bots.enums import ProcessKind, ProcessRole, SlotState
from bots.models import ConnectionSlot, FleetProcess
from bots.processes.heartbeats import ThisProcess, note_heartbeat
from bots.service import set_enabled
from core.access.actors import SYSTEM
from tests.factories import make_bot

pytestmark = pytest.mark.django_db

SECONDS = 6.0


@pytest.fixture
def slot(db: None) -> ConnectionSlot:
    return make_bot().slots.get()


def take(slot: ConnectionSlot, holder: UUID) -> bool:
    return claim(slot.pk, holder=holder, name="a", seconds=SECONDS)


def let_lapse(slot: ConnectionSlot, *columns: str) -> None:
    """Turn the clock: what ran until later ran until a moment ago."""
    past = timezone.now() - timedelta(seconds=1)
    ConnectionSlot.objects.filter(pk=slot.pk).update(**dict.fromkeys(columns, past))


def test_claim_is_won_by_the_first_and_lasts_for_the_seconds_asked(slot):
    first, second = uuid4(), uuid4()
    assert take(slot, first)
    assert not take(slot, second)
    slot.refresh_from_db()
    assert (slot.holder, slot.epoch, slot.node, slot.state) == (first, 1, "a", SlotState.CONNECTING)
    assert abs((slot.lease_until - timezone.now()).total_seconds() - SECONDS) < 2


def test_lease_that_ran_out_is_anybodys_and_raises_the_epoch(slot):
    first, second = uuid4(), uuid4()
    take(slot, first)
    let_lapse(slot, "lease_until")
    [seen] = seen_slots()
    assert (seen.holder, seen.lapsed) == (None, True)
    assert take(slot, second)
    slot.refresh_from_db()
    assert (slot.holder, slot.epoch) == (second, 2)


def test_renewal_extends_own_leases_and_no_others(slot):
    mine, other = Peer(uuid4(), 500), uuid4()
    foreign = make_bot().slots.get()
    take(slot, mine.id)
    take(foreign, other)
    let_lapse(slot, "lease_until")
    let_lapse(foreign, "lease_until")
    survey = renew(mine, name="a", seconds=SECONDS, is_taking_over=False)
    assert {seen.slot_id: seen.holder for seen in survey.slots} == {slot.pk: mine.id, foreign.pk: None}
    assert survey.peers == [mine]


def test_round_at_rest_takes_four_statements(slot):
    mine = Peer(uuid4(), 500, only=frozenset({"cli_1"}))
    take(slot, mine.id)
    survey = renew(mine, name="a", seconds=SECONDS, is_taking_over=False)
    asked: list[str] = []

    def note(execute, sql, *arguments):
        asked.append(sql)
        return execute(sql, *arguments)

    with connection.execute_wrapper(note):
        again = renew(mine, name="a", seconds=SECONDS, is_taking_over=False)
    assert len(asked) == 4  # how the portal stands was looked at a moment ago
    assert survey == again
    assert again.peers == [mine]
    assert not again.is_passive


@pytest.mark.parametrize("is_taking_over", [True, False])
def test_reservation_is_renewed_for_as_long_as_there_is_a_connection_for_it(slot, is_taking_over):
    holder, mine = uuid4(), Peer(uuid4(), 500)
    take(slot, holder)
    assert reserve_handover(slot.pk, holder=holder, successor=mine.id, seconds=SECONDS)
    let_lapse(slot, "successor_until")
    [seen] = renew(mine, name="a", seconds=SECONDS, is_taking_over=is_taking_over).slots
    assert seen.successor == (mine.id if is_taking_over else None)


def test_move_leaves_the_holder_in_place_until_the_successor_completes_it(slot):
    holder, successor, third = uuid4(), uuid4(), uuid4()
    take(slot, holder)
    assert reserve_handover(slot.pk, holder=holder, successor=successor, seconds=SECONDS)
    assert not reserve_handover(slot.pk, holder=holder, successor=third, seconds=SECONDS)
    [seen] = seen_slots()
    assert (seen.holder, seen.successor, seen.owner) == (holder, successor, successor)
    assert complete_handover(slot.pk, successor=successor, name="b", seconds=SECONDS)
    [seen] = seen_slots()
    assert (seen.holder, seen.successor) == (successor, None)
    slot.refresh_from_db()
    assert (slot.epoch, slot.node) == (2, "b")


def test_reservation_of_a_slot_that_has_changed_hands_is_lost(slot):
    take(slot, uuid4())
    assert not reserve_handover(slot.pk, holder=uuid4(), successor=uuid4(), seconds=SECONDS)


def test_successor_follows_a_holder_that_died_and_nobody_comes_between(slot):
    holder, successor = uuid4(), uuid4()
    take(slot, holder)
    reserve_handover(slot.pk, holder=holder, successor=successor, seconds=SECONDS)
    let_lapse(slot, "lease_until")
    assert not take(slot, uuid4())
    assert complete_handover(slot.pk, successor=successor, name="b", seconds=SECONDS)


def test_reservation_that_ran_out_hinders_nobody(slot):
    holder, late, third = uuid4(), uuid4(), uuid4()
    take(slot, holder)
    reserve_handover(slot.pk, holder=holder, successor=late, seconds=SECONDS)
    let_lapse(slot, "successor_until")
    assert reserve_handover(slot.pk, holder=holder, successor=third, seconds=SECONDS)
    assert not complete_handover(slot.pk, successor=late, name="b", seconds=SECONDS)


def test_releasing_frees_own_slots_and_leaves_those_of_others(slot):
    mine, other = uuid4(), uuid4()
    foreign = make_bot().slots.get()
    take(slot, mine)
    take(foreign, other)
    release([slot.pk, foreign.pk], process=mine)
    assert {seen.slot_id: seen.holder for seen in seen_slots()} == {slot.pk: None, foreign.pk: other}
    slot.refresh_from_db()
    assert (slot.state, slot.connected_at) == (SlotState.STOPPED, None)


def test_successor_that_releases_leaves_the_holder_alone(slot):
    holder, successor = uuid4(), uuid4()
    take(slot, holder)
    reserve_handover(slot.pk, holder=holder, successor=successor, seconds=SECONDS)
    release([slot.pk], process=successor)
    [seen] = seen_slots()
    assert (seen.holder, seen.successor) == (holder, None)


def test_reports_of_who_lost_the_slot_are_not_written(slot):
    loser, holder = uuid4(), uuid4()
    take(slot, holder)
    report = {slot.pk: {"state": SlotState.BACKOFF}}
    write_reports(report, holder=loser)
    slot.refresh_from_db()
    assert slot.state == SlotState.CONNECTING
    write_reports(report, holder=holder)
    slot.refresh_from_db()
    assert slot.state == SlotState.BACKOFF


def test_outage_keeps_its_beginning_when_another_process_takes_over(slot):
    holder, began_at = uuid4(), timezone.now() - timedelta(hours=2)
    take(slot, holder)
    ConnectionSlot.objects.update(down_since=began_at)
    write_reports({slot.pk: {"state": SlotState.BACKOFF, "down_since": timezone.now()}}, holder=holder)
    slot.refresh_from_db()
    assert slot.down_since == began_at
    write_reports({slot.pk: {"state": SlotState.CONNECTED, "down_since": None}}, holder=holder)
    write_reports({slot.pk: {"state": SlotState.BACKOFF, "down_since": timezone.now()}}, holder=holder)
    slot.refresh_from_db()
    assert slot.down_since > began_at


def test_slot_of_a_dead_process_reads_stopped_and_a_live_one_stays_connected(slot):
    live = make_bot().slots.get()
    for one in (slot, live):
        take(one, uuid4())
        ConnectionSlot.objects.filter(pk=one.pk).update(state=SlotState.CONNECTED)
    let_lapse(slot, "lease_until")
    reap()
    assert dict(ConnectionSlot.objects.values_list("pk", "state")) == {
        slot.pk: SlotState.STOPPED,
        live.pk: SlotState.CONNECTED,
    }


def test_slot_for_which_nobody_has_room_says_so_until_its_bot_is_switched_off(slot):
    mark_unplaceable(slot.pk)
    reap()
    slot.refresh_from_db()
    assert (slot.state, slot.error_reason) == (SlotState.ERROR, NO_ROOM)
    set_enabled([slot.bot], enabled=False, actor=SYSTEM)
    reap()
    slot.refresh_from_db()
    assert (slot.state, slot.error_reason, slot.problem) == (SlotState.STOPPED, "", None)


def test_held_slot_is_never_called_unplaceable(slot):
    take(slot, uuid4())
    mark_unplaceable(slot.pk)
    slot.refresh_from_db()
    assert slot.state == SlotState.CONNECTING


def test_peers_are_those_that_announced_themselves_lately():
    me, silent = Peer(uuid4(), 10, only=frozenset({"cli_1"})), Peer(uuid4(), 10)
    for peer in (me, silent):
        announce(peer, name="a")
    FleetProcess.objects.filter(id=silent.id).update(seen_at=timezone.now() - timedelta(seconds=7))
    assert peers(seconds=SECONDS) == [me]
    retire(me.id)
    assert peers(seconds=SECONDS) == []


def test_process_that_holds_no_connections_is_no_peer():
    FleetProcess.objects.create(kind=ProcessKind.WORKER, name="worker", seen_at=timezone.now())
    assert peers(seconds=SECONDS) == []


def test_process_is_announced_beside_its_heartbeat_in_one_row():
    me = ThisProcess(ProcessKind.RUNPORTAL, tuple(ProcessRole), name="a:1")
    note_heartbeat(me, stalled=[], seconds_since_pass=None)
    announce(Peer(me.id, 10), name="a")
    note_heartbeat(me, stalled=[], seconds_since_pass=None)
    row = FleetProcess.objects.get()
    assert (row.kind, row.name, row.capacity) == (ProcessKind.RUNPORTAL, "a", 10)
    assert [peer.id for peer in peers(seconds=SECONDS)] == [me.id]
