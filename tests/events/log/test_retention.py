"""What has had its time goes, and nothing else."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bots.models import Bot
from core.access.actors import SYSTEM
from core.database.batches import Deleted
from core.database.counts import BoundedCount
from core.database.retention import prune
from events.enums import (
    AttemptOutcome,
    DeliveryStatus,
    EventStatus,
    OptionalWork,
    ReplayMode,
    ReplayState,
    RunStatus,
)
from events.log import retention
from events.log.criteria import EventCriteria
from events.log.replay import start_replay
from events.log.retention import Policy, count_expired, overdue, prune_events
from events.models import (
    Delivery,
    DeliveryAttempt,
    Event,
    HandlerAttempt,
    HandlerRun,
    ReplayJob,
    ShedCount,
    Subscription,
)
from events.subscriptions.service import remove
from tests.events.log.rows import make_event
from tests.factories import make_bot, make_subscription


@pytest.fixture(autouse=True)
def days(settings) -> None:
    settings.EVENT_RETENTION_DAYS = 30
    settings.FAILED_EVENT_RETENTION_DAYS = 90
    settings.IGNORED_EVENT_RETENTION_DAYS = 7


@pytest.fixture
def bot(db) -> Bot:
    return make_bot()


def aged(bot: Bot, days: float, status: EventStatus = EventStatus.DONE, **values: Any) -> Event:
    event = make_event(bot, status=status, received_at=timezone.now() - timedelta(days=days), **values)
    delivery = HandlerRun.objects.create(
        event=event, bot=bot, handler="shop", status=RunStatus.SUCCEEDED, attempts=1
    )
    HandlerAttempt.objects.create(
        run=delivery, number=1, started_at=event.received_at, finished_at=event.received_at,
        outcome=AttemptOutcome.SUCCEEDED,
    )  # fmt: skip
    return event


def left() -> set[int]:
    return set(Event.objects.values_list("pk", flat=True))


@pytest.mark.parametrize(
    ("status", "days"),
    [(EventStatus.DONE, 30), (EventStatus.DEAD, 90), (EventStatus.QUARANTINED, 90), (EventStatus.STALE, 90),
     (EventStatus.IGNORED, 7)],
)  # fmt: skip
def test_each_status_has_its_days(bot: Bot, status: EventStatus, days: int) -> None:
    aged(bot, days + 0.1, status)
    young = aged(bot, days - 0.1, status)
    assert count_expired() == BoundedCount(1)
    assert left() != {young.pk}
    assert prune_events() == Deleted(1, is_all=True)
    assert left() == {young.pk}
    assert HandlerRun.objects.count() == HandlerAttempt.objects.count() == 1


@pytest.mark.parametrize("status", [EventStatus.RECEIVED, EventStatus.DISPATCHED])
def test_what_is_still_handled_stays_however_old(bot: Bot, status: EventStatus) -> None:
    aged(bot, 1000, status)
    assert prune_events() == Deleted(0, is_all=True)


def test_an_ended_event_with_a_delivery_that_waits_stays(bot: Bot) -> None:
    event = aged(bot, 1000)
    subscription = make_subscription(bot)
    delivery = Delivery.objects.create(event=event, bot=bot, subscription=subscription)
    assert prune_events() == Deleted(0, is_all=True)
    delivery.status = DeliveryStatus.DEAD
    delivery.save()
    DeliveryAttempt.objects.create(
        delivery=delivery, number=1, started_at=event.received_at, finished_at=event.received_at,
        outcome=AttemptOutcome.FAILED,
    )  # fmt: skip
    assert prune_events() == Deleted(1, is_all=True)
    assert not DeliveryAttempt.objects.exists()


def test_an_ended_event_with_a_run_under_way_stays(bot: Bot) -> None:
    event = aged(bot, 1000)
    HandlerRun.objects.create(event=event, bot=bot, handler="stock", status=RunStatus.RETRYING)
    aged(bot, 999)
    assert prune_events() == Deleted(1, is_all=True)
    assert left() == {event.pk}


def test_a_bots_own_days_hold_for_all_its_events(bot: Bot) -> None:
    longer, shorter = make_bot(event_retention_days=365), make_bot(event_retention_days=3)
    for days in (100, 5):
        for whose in (bot, longer, shorter):
            for status in (EventStatus.DONE, EventStatus.DEAD):
                aged(whose, days, status)
    prune_events()
    kept = {whose.pk: Event.objects.filter(bot=whose).count() for whose in (bot, longer, shorter)}
    assert kept == {bot.pk: 2, longer.pk: 4, shorter.pk: 0}


def test_never_less_than_two_days_because_pushes_repeat_for_hours(bot: Bot, settings) -> None:
    settings.EVENT_RETENTION_DAYS = 0
    Bot.objects.filter(pk=bot.pk).update(event_retention_days=1)
    young = aged(bot, 1.9)
    assert set(Policy.current().bots.values()) == {2}
    assert Policy.current().days[EventStatus.DONE] == 2
    prune_events()
    assert left() == {young.pk}


def test_what_an_open_replay_has_not_come_to_stays(bot: Bot) -> None:
    before = aged(bot, 100)
    wanted = aged(bot, 99, event_type="shop")
    job = start_replay(criteria=EventCriteria(event_type="shop"), mode=ReplayMode.ALL, actor=SYSTEM)
    prune_events()
    assert left() == {wanted.pk}
    assert before.pk not in left()
    ReplayJob.objects.filter(pk=job.pk).update(state=ReplayState.DONE, finished_at=timezone.now())
    prune_events()
    assert left() == set()


def test_pruning_goes_on_over_many_chunks_and_past_what_it_keeps(bot: Bot, monkeypatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    kept = aged(bot, 101)
    HandlerRun.objects.filter(event=kept).update(status=RunStatus.RUNNING)
    for _ in range(5):
        aged(bot, 100)
    chunks: list[int] = []
    assert prune_events(on_progress=chunks.append) == Deleted(5, is_all=True)
    assert sum(chunks) == 5
    assert max(chunks) == 2
    assert left() == {kept.pk}


def test_out_of_time_it_says_that_there_is_more(bot: Bot, monkeypatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(5):
        aged(bot, 100)
    assert prune_events(seconds=0) == Deleted(2, is_all=False)
    assert len(left()) == 3


def test_pruning_loads_no_row_and_takes_a_fixed_number_of_statements(bot: Bot) -> None:
    taken = []
    for count in (1, 6):
        for _ in range(count):
            aged(bot, 100)
        with CaptureQueriesContext(connection) as queries:
            prune_events()
        taken.append(len(queries))
        assert not any("SELECT" in one["sql"] and '"payload"' in one["sql"] for one in queries)
    assert taken[0] == taken[1]


def test_old_replays_go_and_the_deliveries_they_made_stay(bot: Bot) -> None:
    event = aged(bot, 1)
    old = start_replay(criteria=EventCriteria(), mode=ReplayMode.ALL, actor=SYSTEM)
    young = start_replay(criteria=EventCriteria(), mode=ReplayMode.ALL, actor=SYSTEM)
    HandlerRun.objects.filter(event=event).update(replay=old)
    now = timezone.now()
    for job, days in ((old, 100), (young, 10)):
        ReplayJob.objects.filter(pk=job.pk).update(
            state=ReplayState.DONE, finished_at=now - timedelta(days=days)
        )
    prune(overdue())
    assert list(ReplayJob.objects.all()) == [young]
    assert HandlerRun.objects.get(event=event).replay is None


@pytest.mark.django_db
def test_counts_of_what_was_shed_go_after_ninety_days() -> None:
    now = timezone.now()
    for days in (91, 89):
        ShedCount.objects.create(hour=now - timedelta(days=days), work=OptionalWork.LIVE, count=1)
    prune(overdue())
    assert ShedCount.objects.get().hour == now - timedelta(days=89)


def test_removed_subscription_goes_with_its_last_delivery(bot: Bot) -> None:
    kept, removed = make_subscription(bot), make_subscription(bot)
    event = aged(bot, 100)
    Delivery.objects.create(event=event, bot=bot, subscription=removed, status=DeliveryStatus.SUCCEEDED)
    remove(removed, actor=SYSTEM)
    prune(overdue())
    assert set(Subscription.objects.all()) == {kept, removed}
    prune_events()
    prune(overdue())
    assert list(Subscription.objects.all()) == [kept]
