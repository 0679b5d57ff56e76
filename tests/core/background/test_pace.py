from datetime import UTC, datetime, timedelta

import pytest

from core.background.pace import Pace, PaceOfEach

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def test_quiet_second_lets_as_many_start_at_once_as_the_rate_says():
    assert Pace(5).allowed(None, NOW) == 5
    assert Pace(5).allowed(NOW - seconds(3600), NOW) == 5


def test_longer_burst_makes_up_for_more():
    assert Pace(5, burst=seconds(10)).allowed(NOW - seconds(3600), NOW) == 50


def test_none_may_start_before_its_time_and_one_at_it():
    pace = Pace(2)
    assert pace.allowed(NOW + seconds(0.01), NOW) == 0
    assert pace.allowed(NOW, NOW) == 1
    assert pace.allowed(NOW - seconds(0.5), NOW) == 2


@pytest.mark.parametrize("rate", [0.1, 1, 3, 50])
def test_no_more_start_in_any_stretch_than_rate_and_burst_allow(rate):
    pace, next_start, started = Pace(rate), None, 0
    for tick in range(2_000):
        now = NOW + seconds(tick / 100)
        count = pace.allowed(next_start, now)
        next_start = pace.after(next_start, now, count)
        started += count
    assert 20 * rate - 1 <= started <= 20 * rate + max(rate, 1)


def test_rate_below_one_a_second_lets_one_start_and_then_waits_its_spacing():
    pace = Pace(0.5)
    assert pace.allowed(None, NOW) == 1
    assert pace.after(None, NOW, 1) == NOW + seconds(2)


def test_starting_none_moves_nothing_into_the_future():
    assert Pace(5).after(None, NOW, 0) <= NOW


def test_each_has_a_pace_of_its_own_and_the_oldest_are_forgotten(monkeypatch):
    now = NOW
    paces = PaceOfEach[str](Pace(1, burst=seconds(2)), clock=lambda: now)
    monkeypatch.setattr(PaceOfEach, "MAX_KEYS", 2)
    assert [paces.start("a") for _ in range(3)] == [0.0, 0.0, 1.0]
    assert paces.start("b") == 0.0
    now += seconds(1)
    assert paces.start("a") == 0.0
    assert paces.start("c") == 0.0  # and "b" is forgotten
    assert [paces.start("b") for _ in range(3)] == [0.0, 0.0, 1.0]
