"""One list of what is wrong: one row a fact, the worst first, what is silenced apart, and a button for who may use it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from bots.enums import CheckResult, SlotState
from bots.incidents.silences import silence
from bots.models import Incident, ProblemSilence, StoredFinding
from core.access.actors import SYSTEM
from core.access.roles import Role
from core.console.overview import Repair, SectionState, Severity
from feishu_portal.overview.problems import MAX_SHOWN, digest, drawn, findings, repair_for, sort
from tests.factories import connect_slots, make_bot, make_operator
from tests.feishu_portal.overview.made import make_problem

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


def sorted_keys(*problems) -> list[str]:
    return [problem.key for problem in sort([SectionState([], problems)]).problems]


def test_worst_come_first_and_equals_keep_the_order_of_their_apps():
    bots = SectionState([], (make_problem("connection:1"), make_problem("setup:1", Severity.ATTENTION)))
    events = SectionState([], (make_problem("handler:1"), make_problem("no_fleet:1", Severity.DOWN)))

    found = sort([bots, events])

    assert [one.key for one in found.problems] == ["no_fleet:1", "connection:1", "handler:1", "setup:1"]


def test_of_problems_with_the_same_key_the_worst_is_listed():
    mild, bad, again = (
        make_problem("grants:1", severity, sentence)
        for severity, sentence in (
            (Severity.ATTENTION, "mild"), (Severity.FAILING, "bad"), (Severity.FAILING, "again")
        )
    )  # fmt: skip

    found = sort([SectionState([], (mild,)), SectionState([], (bad, again))])

    assert [one.sentence for one in found.problems] == ["bad"]


def test_silenced_problem_is_listed_apart_until_its_time_is_over():
    problem = make_problem()
    silence(problem, actor=SYSTEM)

    found = sort([SectionState([], (problem, make_problem("handler:1")))])
    assert ([one.key for one in found.problems], [one.key for one, _silence in found.silenced]) == (
        ["handler:1"], ["connection:1"]
    )  # fmt: skip

    ProblemSilence.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert sorted_keys(problem) == ["connection:1"]


def test_another_kind_of_cause_is_not_silenced():
    silence(make_problem(), actor=SYSTEM)

    assert sorted_keys(make_problem(cause="configuration/10014")) == ["connection:1"]


def test_list_shows_ten_and_folds_the_others_and_what_is_silenced():
    root = make_operator("root", superuser=True)
    problems = [make_problem(f"connection:{number}") for number in range(MAX_SHOWN + 3)]
    silence(problems[0], actor=SYSTEM)

    found = sort([SectionState([], tuple(problems))])
    html = drawn(found, root)
    top, _, rest = html.partition("<details")

    assert top.count('data-testid="problem"') == MAX_SHOWN
    assert rest.count('data-testid="problem"') == 3
    assert "Show 2 more" in rest
    assert "1 silenced" in rest
    assert "Silenced by Portal until" in rest
    silence(problems[1], actor=SYSTEM)
    assert digest(sort([SectionState([], tuple(problems))]), root) != digest(found, root)


def test_nothing_is_drawn_where_nothing_is_wrong():
    assert drawn(sort([]), make_operator("root", superuser=True)).strip() == ""


def test_buttons_are_for_who_may_use_them():
    repair = Repair("Update App Secret", "/bot/", "bots.change_bot")
    problem = make_problem(repair=repair)
    viewer, mender = make_operator("viewer", role=Role.VIEWER), make_operator("mender")
    silence(make_problem("handler:1"), actor=SYSTEM)
    found = sort([SectionState([], (problem, make_problem("handler:1")))])

    assert (repair_for(problem, viewer), repair_for(problem, mender)) == (None, repair)
    seen, offered = drawn(found, viewer), drawn(found, mender)
    assert "Something is wrong" in seen
    for words in ("Update App Secret", "Silence for a day", "End silence"):
        assert words not in seen
        assert words in offered


def test_list_is_chinese_on_a_chinese_page():
    root = make_operator("root", superuser=True)
    problems = [make_problem(f"handler:{number}") for number in range(MAX_SHOWN + 1)]
    with translation.override("zh-hans"):
        html = drawn(sort([SectionState([], tuple(problems))]), root)

    assert "静默一天" in html
    assert "再显示 1 项" in html


# --- as the apps find them


def spoil(bot) -> None:
    """In every way that an app looks for, but for its events."""
    now = timezone.now()
    bot.slots.update(state=SlotState.ERROR, error_code=10014, down_since=now - timedelta(hours=1))
    for cause in ("configuration", "foreign", "refresh", "unreadable"):
        Incident.objects.create(bot=bot, cause=cause, code=10014, began_at=now)
    StoredFinding.objects.create(
        bot=bot, check_name="redirect_url", result=CheckResult.WRONG, since=now, looked_at=now
    )


def queries_of(user) -> int:
    with CaptureQueriesContext(connection) as queries:
        findings(user)
    return len(queries)


def test_findings_take_as_many_queries_for_eight_bots_as_for_one():
    owner, root = make_operator("owner"), make_operator("root", superuser=True)
    bots = [make_bot() for _number in range(8)]
    for bot in bots:
        bot.owners.add(owner)
        connect_slots(bot.slots)
    spoil(bots[0])
    of_one = [queries_of(user) for user in (owner, root)]
    for bot in bots[1:]:
        spoil(bot)

    assert [queries_of(user) for user in (owner, root)] == of_one
    assert max(of_one) <= 30
