import pytest

from core.background.waiting import GROWTH, GrowingPauses


class Clock:
    """Moves on by what is slept."""

    def __init__(self, monkeypatch) -> None:
        self.now = 0.0
        monkeypatch.setattr("core.background.waiting.time.monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch) -> Clock:
    return Clock(monkeypatch)


def test_pauses_grow_to_the_longest_and_end_at_the_deadline(clock):
    slept = []
    for pause in GrowingPauses(first=1, longest=2).within(6):
        slept.append(pause)
        clock.now += pause
    assert slept == [1, 1 * GROWTH, 2, 1.5]
    assert sum(slept) == 6


def test_time_that_asking_takes_counts(clock):
    slept = []
    for pause in GrowingPauses(first=1, longest=1).within(3):
        slept.append(pause)
        clock.now += pause + 1.5
    assert slept == [1, 0.5]


def test_who_waits_for_nothing_asks_once(clock):
    assert list(GrowingPauses(first=1, longest=2).within(0)) == [0]
