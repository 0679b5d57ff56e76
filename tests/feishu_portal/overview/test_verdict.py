"""One sentence for all: the worst of what is wrong, and that all is well only where nothing is."""

from datetime import timedelta

import pytest
from django.utils import timezone, translation

from core.console.overview import Headline, Severity, Standing
from feishu_portal.overview.verdict import Verdict, verdict

WAITING = Headline(Severity.ATTENTION, "2 authorizations have ended", "/tokens/")
DEAF = Headline(Severity.FAILING, "1 of 8 bots receives no events", "/bots/")
FAILED = Headline(Severity.FAILING, "3 events failed", "/events/")


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


def standing(*headlines: Headline, ended_days_ago: int | None = None) -> Standing:
    ended = None if ended_days_ago is None else timezone.now() - timedelta(days=ended_days_ago)
    return Standing([], headlines, last_problem_at=ended)


@pytest.mark.parametrize(
    ("headlines", "worst", "tone"),
    [
        ((WAITING,), WAITING, "attention"),
        ((WAITING, DEAF), DEAF, "failing"),
        ((DEAF, FAILED), DEAF, "failing"),
        ((FAILED, WAITING, DEAF), FAILED, "failing"),
    ],
)
def test_worst_problem_speaks_for_all_and_of_equals_the_first(headlines, worst, tone):
    spread = [standing(headline) for headline in headlines]

    assert verdict(spread) == Verdict(tone, worst.sentence, worst.link, len(headlines))


def test_headline_of_no_app_counts_like_the_others():
    assert verdict([standing(WAITING)], others=[DEAF]).sentence == DEAF.sentence


def test_all_is_well_where_nobody_says_otherwise():
    assert verdict([standing(), standing()]) == Verdict("good", "All well")


def test_all_well_says_when_the_last_problem_ended():
    found = verdict([standing(ended_days_ago=3), standing(), standing(ended_days_ago=9)])

    assert found.tone == "good"
    assert found.sentence.replace("\xa0", " ") == "All well. The last problem ended 3 days ago"


def test_passive_portal_is_neither_well_nor_failing():
    found = verdict([standing(DEAF)], is_passive=True)

    assert (found.tone, found.problems, found.link) == ("unknown", 0, "")


def test_chinese_says_days_as_people_do():
    with translation.override("zh-hans"):
        assert (
            verdict([standing(ended_days_ago=3)]).sentence.replace("\xa0", " ")
            == "一切正常，上次异常已于 3 天前恢复"
        )
