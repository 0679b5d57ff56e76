"""When a worker polls for work, and whether it looks behind runs that wait for a place."""

import pytest

from events.handling import poller
from events.handling.poller import Poller, PollResult

LONG = 60.0


@pytest.fixture
def polled() -> Poller:
    """One that has polled and found nothing."""
    made = Poller()
    poll(made)
    return made


def poll(made: Poller, result: PollResult = PollResult.NOTHING, *, next_due: float = LONG) -> None:
    made.begin()
    made.settle(result, most=LONG, next_due=lambda: next_due)


def test_first_poll_is_due_at_once():
    assert Poller().is_due()


def test_notification_leads_to_a_poll(polled):
    assert not polled.is_due()
    polled.notify()
    assert polled.is_due()


@pytest.mark.parametrize("result", PollResult)
def test_worker_that_is_to_look_up_does_not_wait_and_does_not_poll(polled, result):
    poll(polled, result)
    polled.look_up()
    polled.wait(LONG, is_busy=lambda: False)
    assert not polled.is_due()


@pytest.mark.parametrize("result", [PollResult.FULL, PollResult.PASSED])
def test_end_leads_to_a_poll_only_where_something_waits_for_its_place(polled, result):
    polled.run_ended()
    assert not polled.is_due()
    poll(polled, result)
    assert not polled.is_due()
    polled.run_ended()
    assert polled.is_due()


def test_notification_that_comes_during_a_poll_leads_to_another_one(polled):
    polled.begin()
    polled.notify()
    polled.settle(PollResult.NOTHING, most=LONG, next_due=lambda: LONG)
    assert polled.is_due()


def test_poll_that_failed_is_due_again(polled):
    polled.begin()
    assert polled.is_due()


def test_next_poll_is_when_the_next_attempt_is(polled):
    poll(polled, next_due=7.0)
    assert 6.0 < polled.seconds <= 7.0


@pytest.mark.parametrize(
    ("result", "most"),
    [
        (PollResult.FOUND, poller.AGAIN),
        (PollResult.HELD, poller.ELSEWHERE),
        (PollResult.FULL, poller.AGAIN),
        (PollResult.PASSED, poller.AGAIN),
    ],
)
def test_poll_that_came_to_something_is_followed_by_another_one_soon(polled, result, most):
    poll(polled, result)
    assert polled.seconds <= most


def test_next_attempt_is_not_asked_for_while_something_waits_for_a_place(polled):
    polled.begin()
    polled.settle(PollResult.FULL, most=LONG, next_due=lambda: pytest.fail("asked"))


def test_poll_looks_behind_full_handlers_once_in_a_while_or_as_long_as_that_finds_something():
    made = Poller()
    poll(made)
    assert made.passes_full
    poll(made, PollResult.PASSED)
    assert not made.passes_full
    made.begin()
    assert made.passes_full


def test_of_several_parts_of_a_poll_the_one_that_asks_for_most_counts():
    assert max(PollResult) is PollResult.PASSED
    assert max(PollResult.FOUND, PollResult.HELD) is PollResult.HELD
    assert max(PollResult.FULL, PollResult.HELD) is PollResult.FULL


def test_ends_are_gathered_while_much_runs_and_not_for_ever(polled):
    runs = iter([True, True, True])
    polled.run_ended()
    polled.wait(LONG, lambda: next(runs, False))
    polled.notify()
    polled.wait(LONG, lambda: True)  # comes back though nothing ends
    assert polled.is_due()
