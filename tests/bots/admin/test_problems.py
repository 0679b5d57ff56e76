"""What the overview lists of an operator's bots: a row a fact, with its age and its one repair."""

from datetime import timedelta

import pytest
from django.utils import timezone, translation

from bots.admin import problems
from bots.enums import CheckResult, SlotState
from bots.models import Bot, Incident, StoredFinding
from core.access.models import User
from core.console.overview import Problem, Severity
from feishu_portal.overview.problems import findings
from tests.factories import connect_slots, make_bot, make_operator

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


@pytest.fixture
def root() -> User:
    return make_operator("root", superuser=True)


def make_connected(**values) -> Bot:
    bot = make_bot(**values)
    connect_slots(bot.slots)
    return bot


def make_down(code: int | None = 10014, reason: str = "", **values) -> Bot:
    bot = make_connected(**values)
    now = timezone.now()
    bot.slots.update(
        state=SlotState.ERROR, error_code=code, error_reason=reason, error_at=now, state_changed_at=now, down_since=now - HOUR
    )  # fmt: skip
    return bot


def open_incident(bot: Bot | None, cause: str, **values) -> Incident:
    return Incident.objects.create(bot=bot, cause=cause, began_at=timezone.now(), **values)


def found(user: User) -> list[Problem]:
    return findings(user).problems


def test_bot_with_three_connections_and_an_incident_is_one_row(root):
    bot = make_down(slot_count=3)
    incident = open_incident(bot, "configuration", code=10014)

    [one] = found(root)

    assert (one.key, one.bot, str(incident.pk) in one.link) == (f"connection:{bot.pk}", bot, True)


def test_age_is_that_of_the_last_good_connection_however_often_it_was_tried(root):
    bot = make_down()
    bot.slots.update(state_changed_at=timezone.now(), error_at=timezone.now())

    [one] = found(root)

    assert one.since is not None
    assert timezone.now() - one.since >= HOUR


@pytest.mark.parametrize(
    ("code", "reason", "words", "place"),
    [
        (10014, "", "Update App Secret", "#id_app_secret"),
        (1000040345, "", "Update App Secret", "#id_app_secret"),
        (None, "sealed", "Update App Secret", "#id_app_secret"),
        (None, "dns", "Reconnect", "/reconnect/?back=overview"),
    ],
)
def test_repair_is_that_of_the_cause(root, code, reason, words, place):
    make_down(code=code, reason=reason)

    [one] = found(root)

    assert (str(one.repair.words), one.repair.link.endswith(place)) == (words, True)
    assert one.repair.is_post is (words == "Reconnect")
    assert one.repair.permission == "bots.change_bot"


def test_kind_of_cause_is_the_same_before_and_after_the_incident_opens(root):
    bot = make_down()
    [before] = found(root)
    incident = open_incident(bot, "configuration", code=10014)
    [after] = found(root)

    assert (before.key, before.cause) == (after.key, after.cause) == (incident.problem_key, incident.kind)


def test_incident_of_a_bot_that_is_connected_again_is_no_problem(root):
    bot = make_connected()
    open_incident(bot, "configuration", code=10014)
    open_incident(bot, "foreign", message="3/1", recovered_at=timezone.now())

    assert found(root) == []


def test_bots_without_a_process_are_one_problem_while_nobody_holds_connections(root):
    make_down(code=None)
    refused = make_down()
    open_incident(refused, "configuration", code=10014)
    open_incident(None, "no_fleet", subject="runfeishu", subject_id=refused.pk)

    listed = found(root)

    assert [one.fact for one in listed] == ["no_fleet", "connection"]
    assert (listed[0].severity, listed[1].bot) == (Severity.DOWN, refused)
    assert str(listed[0].repair.words) == "Show processes"


def test_outage_of_many_bots_is_one_row_with_their_list(root, monkeypatch):
    monkeypatch.setattr(problems, "MANY_DOWN", 2)
    for _number in range(3):
        open_incident(make_down(code=None, reason="dns"), "not_connected")

    [one] = found(root)

    assert one.sentence.replace("\xa0", " ") == "3 of 3 bots have received no events for 1 hour"
    assert one.severity is Severity.DOWN
    assert not one.is_silenceable
    assert one.repair.link.endswith("?connected=no")


def keep(bot: Bot, **results: CheckResult) -> None:
    now = timezone.now()
    for name, result in results.items():
        StoredFinding.objects.create(bot=bot, check_name=name, result=result, since=now - HOUR, looked_at=now)


def test_what_closes_the_consent_page_is_named_first_and_is_bad(root):
    bot = make_connected()
    keep(
        bot, sending=CheckResult.WRONG, events=CheckResult.WRONG, callbacks=CheckResult.WARNING,
        redirect_url=CheckResult.WRONG,
    )  # fmt: skip

    [one] = found(root)

    assert (one.severity, one.sentence) == (Severity.FAILING, f"Nobody can authorize “{bot.name}”")
    assert one.text.startswith("Redirect URL")
    assert one.text.endswith("and others")
    assert one.scale == "4 things to set right"
    assert one.repair.link == one.link
    assert one.link.endswith("#checklist")


def test_what_only_a_look_can_tell_is_checked_again(root):
    keep(make_connected(), first_message=CheckResult.WAITING)

    [one] = found(root)

    assert (one.severity, str(one.repair.words), one.repair.is_post) == (
        Severity.ATTENTION, "Check again", True
    )  # fmt: skip


def test_checks_that_say_what_the_connection_says_are_no_second_row(root):
    bot = make_down()
    keep(bot, credentials=CheckResult.WRONG, events=CheckResult.UNKNOWN, first_message=CheckResult.WAITING)
    assert [one.fact for one in found(root)] == ["connection"]
    keep(bot, version=CheckResult.WRONG)
    listed = found(root)
    assert [one.fact for one in listed] == ["connection", "setup"]
    assert listed[1].text == "Published version"


def test_bots_that_are_switched_off_or_disconnected_are_no_problem(root):
    make_down(enabled=False)
    make_down(connect=False)

    assert found(root) == []
