"""Charts and numbers from the counts, whatever the log holds."""

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bots.models import Bot
from events.log.history import (
    BEHIND,
    DAY,
    WINDOWS,
    arrived,
    counted_until,
    history,
    hourly,
    slow_end,
    success_rate,
)
from events.models import CountedHour, EventCount
from events.models.counts import HOUR, SLOT
from tests.factories import make_bot

NOW = datetime(2026, 11, 29, 10, 32, tzinfo=UTC)
THIS_HOUR = NOW.replace(minute=0)


def counted(bot: Bot, start: datetime, minutes: int = HOUR, **numbers: int) -> None:
    EventCount.objects.create(bot=bot, start=start, minutes=minutes, **numbers)


@pytest.fixture
def bot(db) -> Bot:
    return make_bot()


def test_a_day_is_a_bar_for_each_hour_and_the_one_under_way(bot: Bot) -> None:
    for hours in (0, 1, 23, 24):
        counted(bot, THIS_HOUR - timedelta(hours=hours), done=10 + hours, failed=1)
    found = history(DAY, bots=None, now=NOW)
    assert len(found.bars) == 24
    assert [arrived(bar.counts) for bar in found.bars if arrived(bar.counts)] == [34, 12, 11]
    assert (found.bars[-1].start, found.bars[-1].end) == (THIS_HOUR, THIS_HOUR + timedelta(hours=1))
    assert arrived(found.total) == 57
    assert arrived(found.complete) == 46
    assert arrived(found.before) == 35


def test_the_time_before_is_as_long_as_the_complete_bars(bot: Bot) -> None:
    for hours in range(60):
        counted(bot, THIS_HOUR - timedelta(hours=hours), done=1)
    found = history(DAY, bots=None, now=NOW)
    assert arrived(found.complete) == arrived(found.before) == 23


def test_an_hour_is_drawn_from_counts_of_five_minutes(bot: Bot) -> None:
    counted(bot, THIS_HOUR, done=9)
    counted(bot, THIS_HOUR + timedelta(minutes=30), SLOT, done=2)
    counted(bot, THIS_HOUR - timedelta(minutes=25), SLOT, done=3)
    counted(bot, THIS_HOUR - timedelta(minutes=30), SLOT, done=4)
    found = history(WINDOWS["1h"], bots=None, now=NOW)
    assert [arrived(bar.counts) for bar in found.bars] == [3, *[0] * 10, 2]
    assert arrived(found.before) == 4


@pytest.mark.parametrize(
    ("zone", "begins"),
    [("Asia/Shanghai", "18:00"), ("UTC", "06:00"), ("Asia/Kolkata", "12:30"), ("America/New_York", "00:00")],
)
def test_bars_of_a_week_begin_with_the_portals_own_day(bot: Bot, settings, zone: str, begins: str) -> None:
    settings.TIME_ZONE = zone
    counted(bot, THIS_HOUR, done=1)
    found = history(WINDOWS["7d"], bots=None, now=NOW)
    last = found.bars[-1]
    assert len(found.bars) == 28
    assert last.end - last.start == timedelta(hours=6)
    assert last.start <= NOW < last.end
    assert arrived(last.counts) == 1
    assert f"{last.start.astimezone(ZoneInfo(zone)):%H:%M}" == begins


def test_bots_of_others_are_not_in_it(bot: Bot) -> None:
    counted(bot, THIS_HOUR, done=1)
    counted(make_bot(), THIS_HOUR, done=5)
    assert arrived(history(DAY, bots=(bot.pk,), now=NOW).total) == 1
    assert arrived(history(DAY, bots=(), now=NOW).total) == 0
    assert arrived(history(DAY, bots=None, now=NOW).total) == 6


@pytest.mark.parametrize("window", WINDOWS.values(), ids=lambda window: window.name)
def test_a_window_costs_one_query_whatever_the_counts(bot: Bot, window) -> None:
    for number in range(50):
        counted(bot, THIS_HOUR - timedelta(hours=number), done=number)
    with CaptureQueriesContext(connection) as queries:
        history(window, bots=None, now=NOW)
    assert len(queries) == 1


def test_success_is_of_what_ended_and_none_where_nothing_did() -> None:
    assert success_rate(EventCount(done=3, failed=1)) == 0.75
    assert success_rate(EventCount(done=3, quarantined=1, ignored=100, unfinished=7)) == 0.75
    assert success_rate(EventCount(ignored=5, unfinished=2, stale=1)) is None


def test_p95_is_found_within_the_bounds_that_are_kept() -> None:
    assert slow_end(EventCount()) is None
    assert slow_end(EventCount(within_1s=100)) == pytest.approx(0.5 + 0.5 * 0.95)
    assert slow_end(EventCount(within_100ms=95, within_1min=5)) == pytest.approx(0.1)
    assert slow_end(EventCount(within_100ms=90, within_10s=10)) == pytest.approx(7.5)
    assert slow_end(EventCount(within_100ms=1, longer=9)) == math.inf


def test_a_day_by_the_hour_of_many_bots_takes_one_query(bot: Bot) -> None:
    other = make_bot()
    counted(bot, THIS_HOUR, done=1, failed=2, duplicates=9)
    counted(bot, THIS_HOUR - timedelta(hours=23), done=4)
    counted(bot, THIS_HOUR - timedelta(hours=24), done=8)
    with CaptureQueriesContext(connection) as queries:
        found = hourly([bot.pk, other.pk], now=NOW)
    assert len(queries) == 1
    assert found == {bot.pk: [4, *[0] * 22, 3], other.pk: [0] * 24}


def test_counts_that_nobody_makes_say_until_when_they_are(bot: Bot, time_machine) -> None:
    time_machine.move_to(NOW, tick=False)
    assert counted_until() is None
    CountedHour.objects.create(start=THIS_HOUR, counted_at=NOW)
    assert counted_until() is None
    time_machine.shift(BEHIND + timedelta(seconds=1))
    assert counted_until() == NOW
