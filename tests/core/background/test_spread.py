from datetime import timedelta

import pytest

from core.background.spread import spread


@pytest.mark.parametrize("pause", [10.0, timedelta(seconds=10)])
def test_pauses_differ_within_their_bounds(pause):
    found = {spread(pause, by=0.2) for _ in range(50)}
    assert len(found) > 1
    assert pause * 0.8 <= min(found) <= max(found) <= pause * 1.2
