"""What a parent sees of its children, which really are other processes."""

import os
import time

import pytest

from core.background.vitals import Vitals
from feishu_portal.runtime.pool_vitals import PLACES, PoolVitals

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # there may be threads now


def in_a_child(work) -> None:
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 -- pytest must not go on in the child
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0) == (child, 0)


def test_child_whose_part_is_overdue_is_seen_by_its_parent():
    now = 1_000.0
    pool = PoolVitals(clock=lambda: now)

    def live() -> None:
        own = Vitals(clock=lambda: 1_000.0)
        own.mirror = pool.mirror_of(3)
        own.expect("handlers", within=90)

    in_a_child(live)
    assert pool.overdue() == 0
    now += 91
    assert pool.overdue() == 1


def test_child_that_takes_the_place_of_another_begins_again():
    pool = PoolVitals()
    in_a_child(lambda: pool.mirror_of(0)(time.monotonic() - 1))
    assert pool.overdue() == 1
    in_a_child(lambda: pool.mirror_of(0))
    assert pool.overdue() == 0


def test_child_beyond_the_places_is_not_judged():
    pool = PoolVitals()
    for index in (-1, PLACES):
        pool.mirror_of(index)(0.0)
    assert pool.overdue() == 0
