"""What is missed where, and after how long."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bots.enums import ProcessKind, ProcessPart, ProcessRole, Transport
from bots.models import Bot
from bots.processes.roles import missing_roles, needed_roles
from tests.bots.processes.fleets import heard
from tests.factories import make_bot, make_grant

pytestmark = pytest.mark.django_db

LONG = 3_600.0


@pytest.fixture(autouse=True)
def bot(settings) -> Bot:
    settings.ALERT_SECONDS = 120
    return make_bot()


def missing(watched_seconds: float = LONG) -> dict[str, bool]:
    """Roles that nobody has, and whether somebody has to be told."""
    return {one.role: one.is_overdue for one in missing_roles(watched_seconds=watched_seconds)}


def test_bots_need_connections_handlers_and_a_schedule_and_grants_a_refresher(bot):
    assert needed_roles() == [ProcessRole.LISTEN, ProcessRole.WORK, ProcessRole.SCHEDULE]
    make_grant(bot)
    assert needed_roles() == list(ProcessRole)
    Bot.objects.update(transport=Transport.WEBHOOK)
    assert ProcessRole.LISTEN not in needed_roles()
    Bot.objects.update(enabled=False)
    assert ProcessRole.WORK not in needed_roles()


def test_one_process_that_does_everything_is_enough():
    heard(ProcessKind.RUNPORTAL)
    assert missing() == {}


def test_process_is_missed_when_it_was_not_heard_of_for_the_time_of_an_alert():
    heard(ProcessKind.RUNFEISHU)
    heard(ProcessKind.WORKER, seconds_ago=60)
    heard(ProcessKind.BEAT, seconds_ago=150)
    assert missing() == {"work": False, "schedule": True}


def test_process_that_was_ended_as_it_should_be_is_given_time_to_come_back():
    for kind in (ProcessKind.RUNFEISHU, ProcessKind.WORKER):
        heard(kind)
    ended = heard(ProcessKind.BEAT, seconds_ago=150, stopped_at=timezone.now() - timedelta(seconds=150))
    assert missing() == {"schedule": False}
    ended.stopped_at = timezone.now() - timedelta(seconds=400)
    ended.save()
    assert missing() == {"schedule": True}


def test_after_an_outage_of_the_database_or_a_start_nobody_is_missed_at_once():
    heard(ProcessKind.RUNPORTAL, seconds_ago=600)
    assert set(missing(watched_seconds=0).values()) == {False}
    assert set(missing(watched_seconds=121).values()) == {True}


@pytest.mark.parametrize(
    ("part", "role"),
    [
        (ProcessPart.EVENT_LOOP, ProcessRole.LISTEN),
        (ProcessPart.HANDLERS, ProcessRole.WORK),
        (ProcessPart.SCHEDULE, ProcessRole.SCHEDULE),
    ],
)
def test_process_does_nothing_of_what_its_part_stands_still_for(part, role):
    heard(ProcessKind.RUNPORTAL, stalled=[part])
    assert missing() == {role: True}
