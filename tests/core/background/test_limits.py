import threading
from contextlib import ExitStack

import pytest

from core.background.limits import ConcurrencyLimits
from tests.services.processes import PATIENCE


class Full(Exception):
    pass


def test_place_beyond_the_limit_is_refused_and_free_again_afterwards():
    limits = ConcurrencyLimits()
    with limits.place("a", limit=1, full=Full()):
        with pytest.raises(Full), limits.place("a", limit=1, full=Full()):
            pytest.fail("there was no place")
        assert limits.taken("a") == 1
    with limits.place("a", limit=1, full=Full()):
        pass
    assert limits.taken("a") == 0


def test_keys_do_not_share_their_places():
    limits = ConcurrencyLimits()
    with limits.place("a", limit=1, full=Full()), limits.place("b", limit=1, full=Full()):
        assert (limits.taken("a"), limits.taken("b")) == (1, 1)


def test_place_is_given_back_when_the_block_raises():
    limits = ConcurrencyLimits()
    with pytest.raises(RuntimeError), limits.place("a", limit=1, full=Full()):
        raise RuntimeError
    assert limits.taken("a") == 0


def test_each_taker_has_a_quarter_of_the_shared_places():
    limits = ConcurrencyLimits()
    with ExitStack() as places:
        for _ in range(2):
            places.enter_context(limits.fair_place("client", "bot", limit=8, full=Full()))
        for takers in (("client",), ("bot",), ("other client", "bot")):
            with pytest.raises(Full), limits.fair_place(*takers, limit=8, full=Full()):
                pytest.fail("there was no place")
        for number in range(6):
            places.enter_context(limits.fair_place(number, limit=8, full=Full()))
        with pytest.raises(Full), limits.fair_place("one more", limit=8, full=Full()):
            pytest.fail("there was no place")
    with limits.fair_place("client", "bot", limit=8, full=Full()):
        pass


def test_refused_taker_leaves_no_place_taken():
    limits = ConcurrencyLimits()
    with limits.fair_place("client", limit=4, full=Full()):
        for _ in range(9):
            with pytest.raises(Full), limits.fair_place("client", limit=4, full=Full()):
                pytest.fail("there was no place")
        with limits.fair_place("other", limit=4, full=Full()):
            pass


def test_threads_never_take_more_places_than_there_are():
    limits, most, refused = ConcurrencyLimits(), 0, 0
    lock, start = threading.Lock(), threading.Barrier(8)

    def enter() -> None:
        nonlocal most, refused
        start.wait(PATIENCE)
        for _ in range(500):
            try:
                with limits.place("a", limit=3, full=Full()):
                    taken = limits.taken("a")
                    with lock:
                        most = max(most, taken)
            except Full:
                with lock:
                    refused += 1

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert 1 <= most <= 3
    assert limits.taken("a") == 0
