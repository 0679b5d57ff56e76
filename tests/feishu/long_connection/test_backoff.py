from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from feishu.long_connection.backoff import NextAttempt, Schedule, delays


def middle() -> float:
    return 0.5


def test_delays_begin_with_a_jitter_and_double_to_a_minute():
    assert list(islice(delays(middle), 9)) == [0.5, 2, 4, 8, 16, 32, 60, 60, 60]


@given(st.lists(st.floats(0, 1), min_size=20, max_size=20))
def test_delays_stay_within_their_bounds_whatever_the_dice_say(dice):
    first, *rest = islice(delays(iter(dice).__next__), 20)
    assert 0 <= first <= 1
    assert all(1.5 <= delay <= 60 for delay in rest)


def test_five_failures_call_for_a_person_and_slow_down():
    schedule = Schedule(middle)
    verdicts = [schedule.failed(fatal=False) for _ in range(6)]
    assert verdicts == [
        NextAttempt(1, fatal=False, retry_in=0.5),
        NextAttempt(2, fatal=False, retry_in=2),
        NextAttempt(3, fatal=False, retry_in=4),
        NextAttempt(4, fatal=False, retry_in=8),
        NextAttempt(5, fatal=True, retry_in=60),
        NextAttempt(6, fatal=True, retry_in=60),
    ]


def test_a_wrong_configuration_is_retried_slowly_from_the_start():
    assert Schedule(middle).failed(fatal=True) == NextAttempt(1, fatal=True, retry_in=60)


def test_the_platform_may_ask_for_a_longer_wait():
    assert Schedule(middle).failed(fatal=False, at_least=120) == NextAttempt(1, fatal=False, retry_in=120)


def test_success_forgets_the_failures():
    schedule = Schedule(middle)
    for _ in range(5):
        schedule.failed(fatal=False)
    schedule.succeeded()
    assert schedule.failed(fatal=False) == NextAttempt(1, fatal=False, retry_in=0.5)


def test_the_first_drop_after_a_long_outage_is_answered_quickly():
    schedule = Schedule(middle)
    for _ in range(9):
        schedule.failed(fatal=False)
    schedule.succeeded()
    assert schedule.dropped(lasted=False) == 0.5


def test_a_connection_that_keeps_dropping_slows_down_until_one_lasts():
    schedule = Schedule(middle)
    assert [schedule.dropped(lasted=False) for _ in range(3)] == [0.5, 2, 4]
    assert schedule.dropped(lasted=True) == 0.5
    assert schedule.dropped(lasted=False) == 2
