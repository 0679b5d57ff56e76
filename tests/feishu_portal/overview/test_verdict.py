"""One sentence for all: the worst of what is wrong, and that all is well only where nothing is."""

from datetime import timedelta

import pytest
from django.utils import timezone, translation

from core.console.overview import MAX_PROBLEMS, Problem, SectionState, Severity
from feishu_portal.overview.problems import sort
from feishu_portal.overview.verdict import Verdict, verdict
from tests.feishu_portal.overview.made import make_problem

pytestmark = pytest.mark.django_db

WAITING = make_problem("grants:1", Severity.ATTENTION, "2 authorizations have ended")
DEAF = make_problem("connection:1", Severity.FAILING, "Helper receives no events")
FAILED = make_problem("handler:1", Severity.FAILING, "3 events failed")


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


def state(*problems: Problem, ended_days_ago: int | None = None) -> SectionState:
    ended = None if ended_days_ago is None else timezone.now() - timedelta(days=ended_days_ago)
    return SectionState([], problems, last_problem_at=ended)


def verdict_on(*states: SectionState, is_passive: bool = False) -> Verdict:
    return verdict(sort(states), is_passive=is_passive)


@pytest.mark.parametrize(
    ("problems", "worst", "tone"),
    [
        ((WAITING,), WAITING, "attention"),
        ((WAITING, DEAF), DEAF, "failing"),
        ((DEAF, FAILED), DEAF, "failing"),
        ((FAILED, WAITING, DEAF), FAILED, "failing"),
    ],
)
def test_worst_problem_speaks_for_all_and_of_equals_the_first(problems, worst, tone):
    count = len(problems)

    found = verdict_on(*(state(problem) for problem in problems))

    assert found == Verdict(tone, worst.sentence, worst.link, count, count - 1)


def test_several_alike_are_one_sentence_and_not_among_the_others():
    deaf = [
        make_problem(
            f"connection:{number}", Severity.FAILING, "One is deaf", together="{} bots are deaf".format
        )
        for number in range(3)
    ]

    found = verdict_on(state(*deaf, WAITING))

    assert (found.sentence, found.problems, found.others) == ("3 bots are deaf", 4, 1)


def test_problems_that_may_not_be_all_are_counted_as_so_many_and_more():
    many = [make_problem(f"handler:{number}", Severity.FAILING, "Failed") for number in range(MAX_PROBLEMS)]

    found = verdict_on(state(*many))

    assert (found.in_tab, found.besides) == (f"{MAX_PROBLEMS}+", f"{MAX_PROBLEMS - 1}+")


def test_all_is_well_where_nobody_says_otherwise():
    assert verdict_on(state(), state()) == Verdict("good", "All well")


def test_all_well_says_when_the_last_problem_ended():
    found = verdict_on(state(ended_days_ago=3), state(), state(ended_days_ago=9))

    assert found.tone == "good"
    assert found.sentence.replace("\xa0", " ") == "All well. The last problem ended 3 days ago"


def test_passive_portal_is_neither_well_nor_failing():
    found = verdict_on(state(DEAF), is_passive=True)

    assert (found.tone, found.problems, found.link) == ("unknown", 0, "")


def test_chinese_says_days_as_people_do():
    with translation.override("zh-hans"):
        assert (
            verdict_on(state(ended_days_ago=3)).sentence.replace("\xa0", " ")
            == "一切正常，上次异常已于 3 天前恢复"
        )
