from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from core.background import pace as paces
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


@pytest.mark.parametrize(("took", "slept"), [(0.02, 0.08), (0.1, 0), (5, 0)])
def test_thread_that_keeps_a_pace_sleeps_for_what_is_left_of_it_also_after_a_failure(
    monkeypatch, took, slept
):
    times, naps = iter([100, 100 + took]), []
    monkeypatch.setattr(paces, "time", SimpleNamespace(monotonic=lambda: next(times), sleep=naps.append))
    with pytest.raises(LookupError), Pace(10).kept():
        raise LookupError
    assert naps == [pytest.approx(slept)]


def test_each_has_a_pace_of_its_own_and_the_oldest_are_forgotten(monkeypatch):
    now = NOW
    each = PaceOfEach[str](Pace(1, burst=seconds(2)), clock=lambda: now)
    monkeypatch.setattr(PaceOfEach, "MAX_KEYS", 2)
    assert [each.start("a") for _ in range(3)] == [0.0, 0.0, 1.0]
    assert each.start("b") == 0.0
    now += seconds(1)
    assert each.start("a") == 0.0
    assert each.start("c") == 0.0  # and "b" is forgotten
    assert [each.start("b") for _ in range(3)] == [0.0, 0.0, 1.0]
