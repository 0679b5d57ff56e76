"""How many runs a handler gets, and what taking and releasing places counts."""

import uuid

import pytest

from events.handling.concurrency import ConcurrencyLimit

BOT, OTHER = uuid.uuid4(), uuid.uuid4()


def take_all(limit: ConcurrencyLimit, bot: uuid.UUID, handler: str) -> int:
    count = 0
    while limit.take((bot, handler)):
        count += 1
    return count


def test_handler_gets_half_of_the_places_for_one_bot_and_three_quarters_for_all():
    limit = ConcurrencyLimit(16)
    assert take_all(limit, BOT, "slow") == 8
    assert sum(take_all(limit, uuid.uuid4(), "slow") for _ in range(16)) == 4
    assert limit.free == 4


def test_another_handler_finds_a_place_whatever_the_others_do():
    limit = ConcurrencyLimit(16)
    for number in range(3):
        take_all(limit, BOT, f"slow {number}")
    assert limit.take((OTHER, "quick"))


@pytest.mark.parametrize("first_at_once", range(1, 9))
def test_two_handlers_that_take_what_they_get_leave_a_quarter(first_at_once):
    limit = ConcurrencyLimit(16)
    first = sum(limit.take((BOT, "first")) is not None for _ in range(first_at_once))
    second = take_all(limit, BOT, "second")
    first += take_all(limit, BOT, "first")
    assert max(first, second) <= 8
    assert limit.free >= 4
    assert limit.take((BOT, "third"))


@pytest.mark.parametrize("size", [1, 2])
def test_few_places_are_used(size):
    assert take_all(ConcurrencyLimit(size), BOT, "any") == 1


def test_place_is_released_once_whoever_releases_it():
    limit = ConcurrencyLimit(8)
    first, second = limit.take((BOT, "a")), limit.take((BOT, "a"))
    assert first is not None
    assert second is not None
    for _ in range(3):
        first.release()
    assert (limit.free, limit.running()) == (7, [(BOT, "a")])
    second.release()
    assert (limit.free, limit.running()) == (8, [])


def test_run_that_must_not_wait_has_a_place_beyond_the_share_of_its_handler():
    limit = ConcurrencyLimit(4)
    take_all(limit, BOT, "a")
    assert limit.take((BOT, "a")) is None
    limit.take_beyond((BOT, "a")).release()
    assert limit.free == 2
