import os

import pytest

from core.background.vitals import Vitals, vitals


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def own(clock: Clock) -> Vitals:
    return Vitals(clock=clock)


def test_part_stands_still_when_its_time_is_over_and_no_longer_when_it_passes(own, clock):
    own.expect("loop", within=30)
    clock.now += 30
    assert own.standing_still() == []
    clock.now += 1
    assert own.standing_still() == ["loop"]
    own.passed("loop")
    assert own.standing_still() == []


def test_part_that_is_not_expected_is_not_missed(own, clock):
    own.passed("loop")
    with own.under_way("pass", within=5):
        clock.now += 6
        assert own.standing_still() == ["pass"]
    assert own.standing_still() == []
    assert own.seconds_since_pass() is None


def test_last_pass_is_that_of_the_liveliest_part(own, clock):
    own.expect("loop", within=30)
    own.expect("runner", within=90)
    clock.now += 10
    own.passed("runner")
    clock.now += 4
    assert own.seconds_since_pass() == 4


def test_others_are_asked_as_well(own):
    own.ask_also(lambda: ["handlers"])
    assert own.standing_still() == ["handlers"]


def test_deadline_is_that_of_the_first_part_to_be_overdue_and_is_mirrored(own, clock):
    mirrored: list[float] = []
    own.mirror = mirrored.append
    own.expect("runner", within=90)
    own.expect("refresh", within=20)
    assert own.deadline() == clock.now + 20
    own.forget("refresh")
    own.forget("runner")
    assert mirrored == [190, 120, 190, float("inf")]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # there may be threads now
def test_forked_child_expects_nothing():
    vitals.expect("a test", within=600)
    try:
        child = os.fork()
        if child == 0:
            os._exit(0 if vitals.seconds_since_pass() is None else 1)
        assert os.waitpid(child, 0) == (child, 0)
    finally:
        vitals.forget("a test")
