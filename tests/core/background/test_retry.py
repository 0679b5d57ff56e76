from datetime import timedelta

import pytest

from core.background.retry import LONGER_BY, RetrySchedule

SCHEDULE = RetrySchedule((5, 60, 600))


@pytest.mark.parametrize(("attempts", "pause"), [(1, 5), (2, 60), (3, 600), (4, 600), (99, 600)])
def test_pause_grows_with_the_attempts_and_the_last_one_repeats(attempts, pause):
    for _ in range(50):
        waited = SCHEDULE.pause_after(attempts).total_seconds()
        assert pause <= waited <= pause * (1 + LONGER_BY)


def test_crowd_does_not_come_back_as_one():
    assert len({SCHEDULE.pause_after(2) for _ in range(20)}) > 1


@pytest.mark.parametrize(("attempts", "is_exhausted"), [(1, False), (3, False), (4, True), (5, True)])
def test_no_pause_is_left_after_one_attempt_more_than_there_are_pauses(attempts, is_exhausted):
    assert SCHEDULE.max_attempts == 4
    assert SCHEDULE.is_exhausted(attempts) is is_exhausted


def test_attempt_that_was_never_counted_waits_like_the_first():
    assert SCHEDULE.pause_after(0) <= timedelta(seconds=6)


def test_schedule_without_a_pause_is_refused():
    with pytest.raises(ValueError, match="at least one pause"):
        RetrySchedule(())
