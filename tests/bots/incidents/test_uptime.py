"""The past 30 days of a bot, by its incidents."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from bots.incidents.uptime import DAYS, uptime
from bots.models import Bot, Incident
from tests.factories import make_bot

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
"""Noon in the portal's time zone."""
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def noon(time_machine):
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def bot() -> Bot:
    return added(40)


def added(days: int) -> Bot:
    bot = make_bot()
    Bot.objects.filter(pk=bot.pk).update(created_at=NOW - timedelta(days=days))
    bot.refresh_from_db()
    return bot


def outage(bot: Bot | None, hours_ago: float, *, lasted: float | None = None, **values: Any) -> None:
    began_at = NOW - hours_ago * HOUR
    ended = None if lasted is None else began_at + lasted * HOUR
    closed = ended and ended + timedelta(minutes=2)
    subject = {} if bot else {"subject_id": uuid4(), "subject": "runfeishu"}
    told = {"cause": "not_connected", "began_at": began_at, "recovered_at": ended, "closed_at": closed}
    Incident.objects.create(bot=bot, **subject, **told | values)


def down(bot: Bot) -> list[float]:
    """Hours of each day with an outage, the oldest first."""
    return [day.down / HOUR for day in uptime(bot).days if day.down]


def test_bot_without_incidents_was_connected_all_the_time(bot, django_assert_num_queries):
    with django_assert_num_queries(2):
        found = uptime(bot)
    assert (len(found.days), found.percent, found.days[-1].watched) == (DAYS, 100, 12 * HOUR)


def test_outage_is_split_at_midnight(bot):
    outage(bot, 15, lasted=6)
    assert down(bot) == [3, 3]


def test_outage_that_lasts_counts_up_to_now(bot):
    outage(bot, 2)
    assert down(bot) == [2]


def test_what_happens_at_once_counts_once(bot):
    outage(bot, 5, lasted=3)
    outage(bot, 4, lasted=3, cause="configuration")
    outage(None, 5, lasted=1, cause="no_fleet")
    assert down(bot) == [4]


def test_share_is_never_rounded_up_to_all(bot):
    outage(bot, 1, lasted=1 / 3600)
    assert uptime(bot).percent == 99.99


def test_bot_is_judged_by_the_days_it_has_been_there():
    bot = added(1)
    outage(bot, 6, lasted=6)
    found = uptime(bot)
    assert [day.watched for day in found.days[:-2]] == [timedelta(0)] * (DAYS - 2)
    assert found.percent == 75


def test_other_problems_and_other_bots_do_not_count(bot):
    outage(make_bot(), 5, lasted=3)
    outage(bot, 5, lasted=3, cause="foreign")
    outage(bot, 24 * 50, lasted=3)
    assert uptime(bot).percent == 100


def test_bot_of_this_moment_has_no_share():
    bot = added(0)
    assert bot.created_at == timezone.now()
    assert uptime(bot).percent is None
