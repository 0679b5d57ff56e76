from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.translation import override

from core.console.live.ages import age, countdown, short


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (86400 * 3, "3 d"),
    ],
)
def test_age_is_told_in_the_largest_unit_it_fills(seconds: float, said: str) -> None:
    with override("en"):
        assert short(seconds) == said


def test_age_has_the_moment_for_the_browser_and_its_place() -> None:
    moment = timezone.now() - timedelta(minutes=5)
    with override("en"):
        shown = age(moment, place='<"a">')

    assert f'datetime="{moment.isoformat()}"' in shown
    assert ' id="&lt;&quot;a&quot;&gt;"' in shown
    assert ">5 min</time>" in shown


def test_time_left_has_the_moment_for_the_browser() -> None:
    moment = timezone.now() + timedelta(minutes=5, seconds=59)
    with override("en"):
        shown = countdown(moment)

    assert f'data-until datetime="{moment.isoformat()}"' in shown
    assert ">5 min</time>" in shown


def test_nothing_is_shown_without_a_moment() -> None:
    assert age(None, place="a") == ""
