from datetime import timedelta

import pytest
from django.utils import timezone

from bots.connections.heartbeats import LATEST, Rhythm, heartbeat_due_at
from bots.enums import SlotState
from bots.models import ConnectionSlot
from tests.factories import connect_slots, make_bot


def beats(*intervals: float | None) -> dict[str, object]:
    rhythm = Rhythm()
    figures: dict[str, object] = {}
    for interval in intervals:
        figures = rhythm.beat(interval)
    return figures


def test_first_heartbeat_has_no_interval_to_speak_of():
    assert beats(None) == {
        "heartbeats": 1,
        "heartbeat_intervals": [],
        "heartbeat_average": None,
        "heartbeat_deviation": None,
    }


def test_average_and_deviation_are_those_of_the_intervals():
    figures = beats(None, 28, 32, 30, 34, 26)
    assert (figures["heartbeat_average"], figures["heartbeat_deviation"]) == (30, pytest.approx(2.828))


def test_only_the_latest_twenty_count():
    figures = beats(None, *[500.0] * 7, *[30.0] * LATEST)
    assert figures["heartbeats"] == 28
    assert figures["heartbeat_intervals"] == [30.0] * 20
    assert figures["heartbeat_deviation"] == 0


def test_another_rhythm_begins_without_the_intervals_of_the_old_one():
    figures = beats(None, 120, 120, None, 30)
    assert (figures["heartbeats"], figures["heartbeat_intervals"]) == (5, [30])


@pytest.mark.parametrize(("deviation", "unsteady"), [(None, False), (5.0, False), (5.1, True)])
def test_deviation_above_five_seconds_is_worth_a_warning(deviation, unsteady):
    assert ConnectionSlot(heartbeat_deviation=deviation).is_unsteady is unsteady


@pytest.mark.parametrize(("expected", "seconds"), [(0, 120), (30, 120), (115, 125), (240, 250)])
def test_two_minutes_without_a_heartbeat_are_abnormal_unless_the_platform_wants_fewer(expected, seconds):
    now = timezone.now()
    assert heartbeat_due_at(now, expected=expected) == now + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("state", "due_in", "is_connected", "is_overdue"),
    [
        (SlotState.CONNECTED, 5, True, False),
        (SlotState.CONNECTED, -1, False, True),
        (SlotState.CONNECTED, None, True, False),
        (SlotState.BACKOFF, -1, False, False),
    ],
)
@pytest.mark.django_db
def test_connection_whose_heartbeat_is_overdue_is_open_and_not_connected(
    state, due_in, is_connected, is_overdue
):
    slots = make_bot().slots
    due_at = None if due_in is None else timezone.now() + timedelta(seconds=due_in)
    connect_slots(slots, heartbeat_due_at=due_at)
    slots.update(state=state)
    assert slots.connected().exists() is is_connected
    assert slots.get().is_overdue is is_overdue
    assert slots.open().exists() is (state == SlotState.CONNECTED)
