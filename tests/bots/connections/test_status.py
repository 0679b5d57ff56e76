"""One truth about "connected": what statuses say of a bot is what lists are filtered by."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from bots.connections import advice
from bots.connections.advice import NO_ROOM
from bots.connections.status import (
    PATIENCE,
    BotStatus,
    ConnectionHealth,
    ConnectionState,
    connected_bots,
    outlines,
    statuses,
    unconnected_bots,
)
from bots.enums import SlotState
from bots.models import Bot, PlatformCount
from feishu.codes import explain
from tests.factories import connect_slots, make_bot

pytestmark = pytest.mark.django_db

Health = ConnectionHealth
MINUTE = timedelta(minutes=1)
OPEN = {"state": SlotState.CONNECTED}
LOST = {"state": SlotState.BACKOFF}
REFUSED = {"state": SlotState.ERROR, "error_code": 1000040345}
SILENT = {"state": SlotState.CONNECTED, "heartbeat_due_at": -MINUTE}
DEAD = {"state": SlotState.CONNECTED, "lease_until": -MINUTE}
DYING = {"state": SlotState.CONNECTED, "lease_until": -PATIENCE / 3}
FREE = {"state": SlotState.STOPPED, "holder": None, "lease_until": None, "state_changed_at": -MINUTE}
FULL = {**FREE, "state": SlotState.ERROR, "error_reason": NO_ROOM}
FIRST = {"state": SlotState.CONNECTING}
AGAIN = {"state": SlotState.CONNECTING, "error_at": -MINUTE}


def status_of(*slots: dict[str, Any], **bot: Any) -> BotStatus:
    """Of a bot with these connections, wanted for an hour; times are distances from now."""
    made = make_bot(slot_count=len(slots), **bot)
    now = timezone.now()
    Bot.objects.filter(pk=made.pk).update(created_at=now - timedelta(hours=1))
    connect_slots(made.slots)
    for number, values in enumerate(slots, start=1):
        moments = {name: now + value for name, value in values.items() if isinstance(value, timedelta)}
        made.slots.filter(number=number).update(**(values | moments))
    [status] = statuses([Bot.objects.get(pk=made.pk)])
    assert outlines(Bot.objects.filter(pk=made.pk), 2) == [status.outline], "one truth for few and for many"
    return status


@pytest.mark.parametrize(
    ("slots", "health", "info"),
    [
        ([OPEN], Health.CONNECTED, None),
        ([OPEN, OPEN], Health.CONNECTED, None),
        ([OPEN, FIRST], Health.CONNECTED, None),
        ([LOST, OPEN], Health.WARNING, advice.RECONNECTING),
        ([OPEN, REFUSED], Health.WARNING, explain(1000040345)),
        ([OPEN, FREE], Health.WARNING, advice.NOT_HELD),
        ([OPEN, FULL], Health.WARNING, advice.ALL_PROCESSES_FULL),
        ([OPEN, SILENT], Health.WARNING, advice.SILENT),
        ([FIRST], Health.CONNECTING, None),
        ([AGAIN], Health.RECONNECTING, advice.RECONNECTING),
        ([LOST], Health.RECONNECTING, advice.RECONNECTING),
        ([SILENT], Health.RECONNECTING, advice.SILENT),
        ([DYING], Health.RECONNECTING, advice.NOT_HELD),
        ([DEAD], Health.ERROR, advice.NOT_HELD),
        ([FREE], Health.ERROR, advice.NOT_HELD),
        ([FULL], Health.ERROR, advice.ALL_PROCESSES_FULL),
        ([LOST, REFUSED], Health.ERROR, explain(1000040345)),
    ],
)
def test_one_connection_is_enough_and_the_others_are_a_warning(slots, health, info):
    status = status_of(*slots)
    diagnosis = status.diagnosis()
    assert (status.health, diagnosis and diagnosis.info) == (health, info)
    is_connected = health.state is ConnectionState.CONNECTED
    assert connected_bots().exists() is is_connected
    assert unconnected_bots().exists() is not is_connected
    assert (status.connected_count > 0) is is_connected


@pytest.mark.parametrize("slot", [FREE, DEAD])
def test_passive_portal_says_that_it_is_one_and_not_that_a_process_is_missing(slot, passive_portal):
    diagnosis = status_of(slot).diagnosis(not_held=advice.NO_PROCESS)
    assert diagnosis is not None
    assert diagnosis.info == advice.PASSIVE


def test_new_bot_gets_a_moment_before_a_person_is_needed():
    bot = make_bot()
    [status] = statuses([bot])
    assert (status.health, status.diagnosis()) == (Health.CONNECTING, None)


def test_connection_of_another_program_is_a_warning_beside_a_connection_and_no_reason_without_one():
    for slot, health, info in (
        (OPEN, Health.WARNING, advice.foreign(online=3, held=1)),
        (REFUSED, Health.ERROR, explain(1000040345)),
    ):
        bot = status_of(slot).bot
        PlatformCount.objects.create(bot=bot, next_check_at=timezone.now(), online=3, held=1, more_counts=2)
        [status] = statuses([bot])
        diagnosis = status.diagnosis()
        assert (status.health, diagnosis and diagnosis.info) == (health, info)


@pytest.mark.parametrize(
    ("values", "health"),
    [
        ({"enabled": False}, Health.DISCONNECTED),
        ({"connect": False}, Health.DISCONNECTED),
        ({"transport": "webhook"}, Health.WEBHOOK),
        ({"callback_transport": "webhook", "transport": "webhook"}, Health.WEBHOOK),
        ({"transport": "webhook", "enabled": False}, Health.DISCONNECTED),
    ],
)
def test_bot_that_is_to_have_no_connection_is_not_in_trouble(values, health):
    status = status_of(REFUSED, **values)
    assert (status.health, status.health.state) == (health, ConnectionState.DISCONNECTED)
    assert status.diagnosis() is None
    assert not connected_bots().exists()
    assert not unconnected_bots().exists()


@pytest.mark.parametrize(
    "values",
    [
        {"transport": "webhook", "callback_transport": "websocket"},
        {"transport": "websocket", "callback_transport": "webhook"},
    ],
)
def test_bot_with_one_of_two_ways_by_connection_is_to_have_one(values):
    status = status_of(OPEN, **values)
    assert status.health is Health.CONNECTED
    assert connected_bots().get() == status.bot


def test_next_attempt_is_that_of_the_first_connection_that_waits():
    soon, later = timedelta(seconds=20), timedelta(seconds=50)
    waiting = LOST | {"next_attempt_at": later}
    status = status_of(waiting, LOST | {"next_attempt_at": soon}, OPEN | {"next_attempt_at": timedelta()})
    assert status.next_attempt_at == status.slots[1].row.next_attempt_at
    assert status_of(OPEN | {"next_attempt_at": soon}).next_attempt_at is None
    assert status_of(DEAD | {"state": SlotState.BACKOFF, "next_attempt_at": soon}).next_attempt_at is None


def ago(moment: datetime | None) -> int | None:
    """Whole minutes."""
    return None if moment is None else round((timezone.now() - moment) / MINUTE)


FELL = timedelta(minutes=-30)


@pytest.mark.parametrize(
    ("slots", "minutes"),
    [
        ([LOST | {"down_since": FELL, "state_changed_at": timedelta()}], 30),
        ([REFUSED | {"down_since": FELL, "state_changed_at": timedelta()}], 30),
        # Events came until the last of them fell.
        ([LOST | {"down_since": FELL}, LOST | {"down_since": FELL / 3}], 10),
        # With one of two open, the warning is as old as the first loss.
        ([OPEN, LOST | {"down_since": FELL}, LOST | {"down_since": FELL / 3}], 30),
        ([DEAD | {"lease_until": FELL, "state_changed_at": 3 * FELL}], 30),
        ([SILENT | {"heartbeat_due_at": FELL, "state_changed_at": 3 * FELL}], 30),
        ([OPEN | {"state_changed_at": FELL}], 30),
    ],
)
def test_age_of_an_outage_counts_from_the_last_good_connection(slots, minutes):
    assert ago(status_of(*slots).since) == minutes


@pytest.mark.parametrize(
    ("slot", "state"),
    [
        (OPEN, SlotState.CONNECTED),
        (SILENT, SlotState.BACKOFF),
        (DEAD, SlotState.STOPPED),
        (REFUSED, SlotState.ERROR),
    ],
)
def test_row_that_wrongly_reads_as_connected_is_not_called_so(slot, state):
    assert status_of(slot).slots[0].state is state


def test_statuses_take_two_queries_however_many_bots_there_are(django_assert_num_queries):
    bots = [make_bot(slot_count=2) for _ in range(3)]
    for bot in bots:
        bot.slots.update(holder=uuid4())
    with django_assert_num_queries(2):
        assert [status.bot for status in statuses(bots)] == bots
