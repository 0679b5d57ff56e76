from datetime import timedelta

import pytest
from django.utils import timezone

from bots.connections.heartbeats import LATEST, Rhythm
from bots.enums import SlotState
from bots.models import ConnectionSlot


def beats(*intervals: float | None) -> dict[str, object]:
    rhythm = Rhythm()
    figures: dict[str, object] = {}
    for interval in intervals:
        figures = rhythm.beat(interval, expected=30)
    return figures


def test_first_heartbeat_has_no_interval_to_speak_of():
    assert beats(None) == {
        "heartbeats": 1,
        "heartbeat_intervals": [],
        "heartbeat_average": None,
        "heartbeat_deviation": None,
        "heartbeat_expected": 30,
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


@pytest.mark.parametrize(
    ("state", "seconds", "expected", "late"),
    [
        (SlotState.CONNECTED, 119, 30, False),
        (SlotState.CONNECTED, 121, 30, True),
        (SlotState.CONNECTED, 125, 120, False),
        (SlotState.CONNECTED, 131, 120, True),
        (SlotState.BACKOFF, 999, 30, False),
    ],
)
def test_two_minutes_without_a_heartbeat_are_abnormal_unless_the_platform_wants_fewer(
    state, seconds, expected, late
):
    now = timezone.now()
    slot = ConnectionSlot(
        state=state, last_heartbeat_at=now - timedelta(seconds=seconds), heartbeat_expected=expected
    )
    assert slot.is_late(now) is late


def test_connection_that_never_had_a_heartbeat_is_late_two_minutes_after_it_began():
    now = timezone.now()
    slot = ConnectionSlot(state=SlotState.CONNECTED, connected_at=now - timedelta(seconds=131))
    assert slot.is_late(now)
