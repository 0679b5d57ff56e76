import gc
from collections.abc import Iterator

import pytest

from feishu_portal.runtime import garbage


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)


def test_event_loop_is_spared_what_is_loaded_and_most_collections() -> None:
    unfrozen = gc.get_freeze_count()
    garbage.spare_event_loop()

    assert gc.get_freeze_count() >= unfrozen
    assert gc.get_threshold() == (garbage.YOUNG, garbage.MIDDLE, garbage.RARELY)
