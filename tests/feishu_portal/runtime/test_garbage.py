import gc
from collections.abc import Iterator

import pytest

from feishu_portal.runtime import garbage


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_event_loop_is_spared_what_is_loaded_and_most_collections() -> None:
    unfrozen = gc.get_freeze_count()
    garbage.spare_event_loop()

    assert gc.get_freeze_count() >= unfrozen
    assert gc.get_threshold() == (garbage.YOUNG, garbage.MIDDLE, garbage.RARELY)


def test_child_shares_what_was_loaded_before_the_fork() -> None:
    before = gc.get_freeze_count()
    garbage.share_with_children()

    assert gc.get_freeze_count() > before
    assert not gc.garbage


def test_nothing_is_collected_while_modules_are_loaded_and_never_what_they_made() -> None:
    garbage.rest_while_loading()
    collects_while_loading = gc.isenabled()
    before = gc.get_freeze_count()
    garbage.begin_after_loading()

    assert not collects_while_loading
    assert gc.isenabled()
    assert gc.get_freeze_count() > before
