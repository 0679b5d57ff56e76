"""When a runner looks for work, and how thoroughly."""

from dataclasses import replace

import pytest

from events.handling import poller
from events.handling.poller import Lookout
from events.handling.scheduler import NOTHING, Served

LONG = 60.0


@pytest.fixture
def looked() -> Lookout:
    """One that has looked and found nothing."""
    made = Lookout()
    look(made)
    return made


def look(made: Lookout, served: Served = NOTHING, *, next_try: float = LONG) -> None:
    made.begin()
    made.note(served)
    made.settle(LONG, lambda: next_try)


def test_first_look_is_due_at_once():
    assert Lookout().is_due()


def test_hint_leads_to_a_look(looked):
    assert not looked.is_due()
    looked.hint()
    assert looked.is_due()


def test_end_leads_to_a_look_only_where_something_waits_for_its_room(looked):
    looked.end()
    assert not looked.is_due()
    look(looked, replace(NOTHING, is_short=True))
    assert not looked.is_due()
    looked.end()
    assert looked.is_due()


def test_hint_that_comes_during_a_look_leads_to_another_one(looked):
    looked.begin()
    looked.hint()
    looked.settle(LONG, lambda: LONG)
    assert looked.is_due()


def test_look_that_failed_is_due_again(looked):
    looked.begin()
    assert looked.is_due()


def test_next_look_is_when_the_next_try_is(looked):
    look(looked, next_try=7.0)
    assert 6.0 < looked.seconds <= 7.0


@pytest.mark.parametrize("what", ["is_short", "dispatched"])
def test_what_waits_or_was_found_is_looked_after_soon(looked, what):
    look(looked, replace(NOTHING, **{what: True}))
    assert looked.seconds <= poller.AGAIN


def test_next_try_is_not_asked_for_while_something_waits_for_room(looked):
    looked.begin()
    looked.note(replace(NOTHING, is_short=True))
    looked.settle(LONG, lambda: pytest.fail("asked"))


def test_look_is_thorough_once_in_a_while_or_as_long_as_that_finds_something():
    made = Lookout()
    look(made)
    assert made.is_thorough
    look(made, replace(NOTHING, is_behind=True))
    assert not made.is_thorough
    made.begin()
    assert made.is_thorough


def test_ends_are_gathered_while_much_runs_and_not_for_ever(looked):
    runs = iter([True, True, True])
    looked.end()
    looked.wait(LONG, lambda: next(runs, False))
    looked.hint()
    looked.wait(LONG, lambda: True)  # comes back though nothing ends
    assert looked.is_due()
