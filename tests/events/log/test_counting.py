"""The counts are what the log says, however often and by whomever it is counted."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from bots.models import Bot
from core.access.actors import SYSTEM
from core.database.retention import prune
from events.enums import EventStatus, ReplayMode, RunStatus
from events.log import counting
from events.log.counting import count_again, count_events
from events.log.criteria import EventCriteria
from events.log.replay import start_replay, sweep_replays
from events.log.retention import COUNTS_KEPT, MARKS_KEPT, SLOTS_KEPT, overdue
from events.models import CountedHour, Event, EventCount, HandlerRun
from events.models.counts import HOUR, OUTCOMES, SLOT
from feishu.callbacks import CLICK
from tests.events.log.rows import make_event
from tests.factories import make_bot

NOW = datetime(2026, 11, 29, 10, 32, tzinfo=UTC)
THIS_HOUR = NOW.replace(minute=0)


@pytest.fixture
def clock(time_machine) -> Any:
    time_machine.move_to(NOW, tick=False)
    return time_machine


@pytest.fixture
def bot(db, clock) -> Bot:
    """Of a portal that has counted all hours but this one and the three before."""
    CountedHour.objects.create(start=THIS_HOUR - timedelta(hours=4))
    return make_bot()


def count_all() -> None:
    """Count until no hour is due."""
    while count_events(seconds=60):
        pass


def arrived(bot: Bot, ago: timedelta = timedelta(), *, took: float | None = 0.3, **values: Any) -> Event:
    """An event that arrived so long ago, and was done so many seconds after the platform made it."""
    at = NOW - ago
    CountedHour.objects.get_or_create(start=counting.hour_of(at), defaults={"due_at": at})
    finished_at = None if took is None else at + timedelta(seconds=took)
    return make_event(bot, received_at=at, created_at=at, **({"finished_at": finished_at} | values))


def hour(bot: Bot, start: datetime = THIS_HOUR) -> dict[str, int]:
    """The numbers of an hour that are not 0."""
    row = EventCount.objects.filter(bot=bot, minutes=HOUR, start=start).values().first() or {}
    return {name: row[name] for name in row if name not in ("id", "bot_id", "minutes", "start") and row[name]}


def test_an_hour_has_each_event_once_and_as_what_became_of_it(bot: Bot) -> None:
    for status, took in (
        (EventStatus.DONE, 0.3), (EventStatus.DONE, 4000), (EventStatus.DEAD, 2), (EventStatus.IGNORED, 0), (EventStatus.STALE, 0),
        (EventStatus.QUARANTINED, 0), (EventStatus.RECEIVED, None), (EventStatus.DISPATCHED, None),
    ):  # fmt: skip
        arrived(bot, timedelta(minutes=1), status=status, took=took, duplicates=1)
    count_events()
    assert hour(bot) == {
        "done": 2, "failed": 1, "ignored": 1, "stale": 1, "quarantined": 1, "unfinished": 2, "duplicates": 8,
        "within_500ms": 1, "longer": 1,
    }  # fmt: skip


def test_clicks_and_those_that_were_answered_late(bot: Bot) -> None:
    arrived(bot, event_type=CLICK)
    arrived(bot, event_type=CLICK, answered_late=True)
    arrived(bot)
    count_events()
    assert hour(bot) == {"done": 3, "within_500ms": 3, "clicks": 2, "late_clicks": 1}


def test_a_slot_is_five_minutes_and_the_hour_is_their_sum(bot: Bot) -> None:
    for minutes in (1, 2, 3, 27, 33):
        arrived(bot, timedelta(minutes=minutes))
    count_events()
    slots = EventCount.objects.filter(minutes=SLOT).order_by("start").values_list("start", "done")
    assert list(slots) == [
        (THIS_HOUR - timedelta(minutes=5), 1),
        (THIS_HOUR + timedelta(minutes=5), 1),
        (THIS_HOUR + timedelta(minutes=25), 1),
        (THIS_HOUR + timedelta(minutes=30), 2),
    ]
    assert hour(bot)["done"] == 4
    assert hour(bot, THIS_HOUR - timedelta(hours=1))["done"] == 1


def test_each_bot_has_its_own(bot: Bot) -> None:
    other = make_bot()
    arrived(bot)
    arrived(other)
    arrived(other, status=EventStatus.DEAD)
    count_events()
    assert hour(bot) == {"done": 1, "within_500ms": 1}
    assert hour(other) == {"done": 1, "failed": 1, "within_500ms": 1}


def test_a_first_pass_counts_the_days_that_the_console_shows(bot: Bot, settings) -> None:
    settings.IGNORED_EVENT_RETENTION_DAYS = 90
    for days in (1, 6, 9):
        arrived(bot, timedelta(days=days))
    CountedHour.objects.all().delete()
    count_all()
    assert EventCount.objects.filter(minutes=HOUR).count() == 2
    assert not EventCount.objects.filter(minutes=SLOT).exists()


def test_counting_again_changes_nothing(bot: Bot, clock) -> None:
    arrived(bot)
    count_all()
    before = list(EventCount.objects.order_by("pk").values())
    clock.shift(600)
    assert count_events() == 1
    assert list(EventCount.objects.order_by("pk").values()) == before


def test_the_hour_under_way_is_counted_again_and_a_quiet_one_is_left_alone(bot: Bot, clock) -> None:
    arrived(bot, timedelta(hours=1))
    count_all()
    clock.shift(600)
    assert count_events() == 1
    clock.shift(1)
    assert count_events() == 0


def test_an_hour_is_counted_until_its_last_event_has_ended(bot: Bot, clock) -> None:
    event = arrived(bot, timedelta(hours=3), status=EventStatus.DISPATCHED, took=None)
    at = THIS_HOUR - timedelta(hours=3)
    count_all()
    assert hour(bot, at) == {"unfinished": 1}
    Event.objects.filter(pk=event.pk).update(status=EventStatus.DONE, finished_at=NOW)
    clock.shift(counting.LONGEST_PAUSE)
    count_all()
    assert hour(bot, at) == {"done": 1, "longer": 1}


def test_a_push_that_is_repeated_hours_later_is_counted_in_the_end(bot: Bot, clock) -> None:
    event = arrived(bot, timedelta(hours=2))
    at = THIS_HOUR - timedelta(hours=2)
    count_all()
    Event.objects.filter(pk=event.pk).update(duplicates=2)
    clock.shift(counting.REPEATED_FOR)
    count_all()
    assert hour(bot, at)["duplicates"] == 2
    assert CountedHour.objects.get(start=at).due_at is None


def test_a_replay_counts_no_event_twice_and_is_no_slow_handling(bot: Bot, clock) -> None:
    event = arrived(bot, timedelta(days=2), status=EventStatus.DEAD)
    HandlerRun.objects.create(event=event, bot=bot, handler="shop", status=RunStatus.DEAD)
    at = THIS_HOUR - timedelta(days=2)
    count_all()
    assert hour(bot, at) == {"failed": 1}
    replay_of(event, bot)
    clock.shift(1)
    count_all()
    assert hour(bot, at) == {"unfinished": 1}
    Event.objects.filter(pk=event.pk).update(status=EventStatus.DONE, finished_at=NOW)
    clock.shift(counting.LONGEST_PAUSE)
    count_all()
    assert hour(bot, at) == {"done": 1}


def replay_of(event: Event, bot: Bot) -> None:
    """Put a replay's run in the place of the failed one, as ``reprocess`` does."""
    job = start_replay(criteria=EventCriteria(pks=(event.pk,)), mode=ReplayMode.FAILED, actor=SYSTEM)
    HandlerRun.objects.create(
        event=event, bot=bot, handler="shop", round=1, replay=job, status=RunStatus.PENDING
    )
    Event.objects.filter(pk=event.pk).update(status=EventStatus.DISPATCHED, finished_at=None)
    count_again([event])


def test_replaying_has_the_hours_of_its_events_counted_again(bot: Bot, own_handlers, clock) -> None:
    from events import on  # noqa: PLC0415 -- the registry is the test's own

    @on("shop", name="shop")
    def shop(event, bot) -> None: ...

    event = arrived(bot, timedelta(days=2), event_type="shop", status=EventStatus.DEAD)
    HandlerRun.objects.create(event=event, bot=bot, handler="shop", status=RunStatus.DEAD)
    count_all()
    start_replay(criteria=EventCriteria(pks=(event.pk,)), mode=ReplayMode.FAILED, actor=SYSTEM)
    clock.shift(1)
    sweep_replays()
    assert CountedHour.objects.get(start=THIS_HOUR - timedelta(days=2)).due_at is not None
    count_all()
    assert hour(bot, THIS_HOUR - timedelta(days=2)) == {"unfinished": 1}


def test_a_replay_while_its_hour_is_counted_is_not_forgotten(bot: Bot, clock, monkeypatch) -> None:
    event = arrived(bot, timedelta(days=1))
    read = counting._counts_of

    def replayed_meanwhile(start: datetime) -> Any:
        found = read(start)
        if start == counting.hour_of(event.received_at):
            Event.objects.filter(pk=event.pk).update(status=EventStatus.DISPATCHED)
            count_again([event])
        return found

    monkeypatch.setattr(counting, "_counts_of", replayed_meanwhile)
    while count_events(seconds=60):
        monkeypatch.setattr(counting, "_counts_of", read)
        clock.shift(1)
    assert hour(bot, THIS_HOUR - timedelta(days=1)) == {"unfinished": 1}


def test_an_hour_that_another_process_counts_is_left_to_it_until_it_dies(bot: Bot, clock) -> None:
    arrived(bot)
    count_all()
    CountedHour.objects.filter(start=THIS_HOUR).update(due_at=NOW + counting.CLAIMED_FOR)
    clock.shift(60)
    assert not CountedHour.objects.filter(start=THIS_HOUR, counted_at__gt=NOW).exists()
    count_all()
    assert not CountedHour.objects.filter(start=THIS_HOUR, counted_at__gt=NOW).exists()
    clock.shift(counting.CLAIMED_FOR)
    count_all()
    assert CountedHour.objects.get(start=THIS_HOUR).counted_at > NOW


def test_an_hour_some_of_whose_events_are_gone_keeps_its_counts(bot: Bot, settings, clock) -> None:
    settings.EVENT_RETENTION_DAYS = 3
    gone, left = arrived(bot, timedelta(days=2)), arrived(bot, timedelta(days=2))
    at = counting.hour_of(gone.received_at)
    count_all()
    clock.shift(timedelta(days=1, hours=1))
    gone.delete()
    count_again([left])
    count_all()
    assert hour(bot, at)["done"] == 2


def test_a_bot_that_is_being_deleted_is_not_counted(bot: Bot) -> None:
    arrived(bot)
    Bot.objects.filter(pk=bot.pk).update(deleted_at=NOW)
    count_events()
    assert not EventCount.objects.exists()


def test_a_bot_that_goes_while_it_is_counted_spoils_no_pass(bot: Bot, monkeypatch) -> None:
    def gone(_counts: object) -> None:
        raise IntegrityError

    arrived(bot)
    monkeypatch.setattr(counting, "_write", gone)
    assert count_events() == 0


def test_a_pass_takes_as_many_statements_for_a_thousand_events_as_for_one(bot: Bot, clock) -> None:
    taken = []
    for count in (1, 20):
        for number in range(count):
            arrived(bot, timedelta(minutes=number))
        count_all()
        clock.shift(600)
        with CaptureQueriesContext(connection) as queries:
            count_events()
        taken.append(len(queries))
        assert not any('"payload"' in one["sql"] for one in queries)
    assert taken[0] == taken[1]


def test_counts_go_after_a_year_and_those_of_five_minutes_after_hours(bot: Bot) -> None:
    for minutes, kept in ((HOUR, COUNTS_KEPT), (SLOT, SLOTS_KEPT)):
        for start in (NOW - kept - timedelta(minutes=5), NOW - kept + timedelta(minutes=5)):
            EventCount.objects.create(bot=bot, minutes=minutes, start=start)
    for start in (NOW - MARKS_KEPT - timedelta(hours=1), NOW - MARKS_KEPT + timedelta(hours=1)):
        CountedHour.objects.create(start=start)
    CountedHour.objects.filter(start=THIS_HOUR - timedelta(hours=4)).delete()
    prune(overdue())
    assert EventCount.objects.filter(minutes=HOUR).count() == 1
    assert EventCount.objects.filter(minutes=SLOT).count() == 1
    assert CountedHour.objects.count() == 1


def test_outcomes_are_columns_of_the_table() -> None:
    assert {field.name for field in EventCount._meta.fields} >= set(OUTCOMES)
