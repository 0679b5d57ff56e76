"""Events are handled again without losing what was, without doing it twice, and no faster than asked."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from bots.models import Bot
from core.access.actors import SYSTEM, Actor
from core.access.models import AuditEntry
from events.enums import DeliveryStatus, EventStatus, ReplayMode, ReplayState, RunStatus
from events.handling.registry import HandlerRegistry, on
from events.log import replay
from events.log.criteria import EventCriteria
from events.log.replay import Progress, advance, cancel_replay, estimate, start_replay, step
from events.models import Delivery, Event, HandlerAttempt, HandlerRun, ReplayJob
from tests.events.handler_runs import dispatched, run_due
from tests.events.log.test_search import make_event
from tests.factories import make_bot, make_subscription

TYPE = "shop.order_v1"


@pytest.fixture(autouse=True)
def no_broker(monkeypatch) -> None:
    monkeypatch.setattr("events.log.replay.notify_worker", lambda: True)


@pytest.fixture
def shop(monkeypatch) -> dict[str, Any]:
    """Two handlers; one fails while ``broken`` is set."""
    monkeypatch.setattr("events.handling.registry._registry", HandlerRegistry())
    state: dict[str, Any] = {"broken": True, "calls": []}

    @on(TYPE, retries=0)
    def ledger(event: Event, bot: Bot) -> None:
        state["calls"].append("ledger")

    @on(TYPE, retries=0)
    def stock(event: Event, bot: Bot) -> None:
        state["calls"].append("stock")
        if state["broken"]:
            raise ValueError(f"no stock for {event.pk}")

    state["ledger"], state["stock"] = (
        f"{function.__module__}.{function.__qualname__}" for function in (ledger, stock)
    )
    return state


def handled(bot: Bot, **values: Any) -> Event:
    event = make_event(bot, event_type=TYPE, status=EventStatus.RECEIVED, **values)
    run(event)
    return event


def run(event: Event) -> None:
    run_due(event.bot)
    event.refresh_from_db()


def job_for(
    criteria: EventCriteria | None = None, mode: ReplayMode = ReplayMode.FAILED, **options: Any
) -> ReplayJob:
    return start_replay(criteria=criteria or EventCriteria(), mode=mode, actor=SYSTEM, **options)


@pytest.fixture
def bot(db) -> Bot:
    return make_bot()


def test_replay_runs_what_failed_again_and_keeps_what_was(
    bot: Bot, shop: dict[str, Any], django_capture_on_commit_callbacks
) -> None:
    event = handled(bot)
    assert event.status == EventStatus.DEAD
    shop["broken"] = False
    with django_capture_on_commit_callbacks(execute=True):
        assert advance(job_for(), seconds=5) is Progress.ENDED
    event.refresh_from_db()
    assert (event.status, event.finished_at) == (EventStatus.DISPATCHED, None)
    new = event.handler_runs.get(handler=shop["stock"], is_current=True)
    run(event)
    assert event.status == EventStatus.DONE
    assert shop["calls"] == ["ledger", "stock", "stock"]
    old = event.handler_runs.get(handler=shop["stock"], is_current=False)
    assert (old.status, old.round, new.round) == (RunStatus.DEAD, 0, 1)
    assert [attempt.outcome for attempt in HandlerAttempt.objects.order_by("pk")] == [
        "succeeded", "failed", "succeeded",
    ]  # fmt: skip


def test_replay_of_all_runs_those_that_succeeded_too(bot: Bot, shop: dict[str, Any]) -> None:
    event = handled(bot)
    advance(job_for(mode=ReplayMode.ALL), seconds=5)
    run(event)
    assert sorted(shop["calls"]) == ["ledger", "ledger", "stock", "stock"]
    assert event.status == EventStatus.DEAD


def test_replay_of_one_handler_leaves_the_others_alone(bot: Bot, shop: dict[str, Any]) -> None:
    event = handled(bot)
    advance(job_for(mode=ReplayMode.ALL, handlers=[shop["ledger"]]), seconds=5)
    assert [one.handler for one in event.handler_runs.filter(replay__isnull=False)] == [shop["ledger"]]


def test_replay_sends_what_failed_to_its_subscription_again_and_leaves_the_event_as_it_is(bot: Bot) -> None:
    event = make_event(bot, event_type=TYPE, status=EventStatus.DONE)
    failed, fine = make_subscription(bot), make_subscription(bot)
    for receiver, status in ((failed, DeliveryStatus.DEAD), (fine, DeliveryStatus.SUCCEEDED)):
        Delivery.objects.create(event=event, bot=bot, subscription=receiver, status=status)
    job = job_for()
    advance(job, seconds=5)
    new = event.deliveries.get(replay=job)
    assert (new.subscription, new.round, new.status) == (failed, 1, DeliveryStatus.PENDING)
    assert event.deliveries.filter(subscription=failed, is_current=True).get() == new
    event.refresh_from_db()
    assert event.status == EventStatus.DONE


def test_replay_of_one_subscription_leaves_handlers_and_the_others_alone(
    bot: Bot, shop: dict[str, Any]
) -> None:
    event = handled(bot)
    chosen, _other = make_subscription(bot), make_subscription(bot)
    advance(job_for(mode=ReplayMode.ALL, subscriptions=[str(chosen.pk)]), seconds=5)
    assert [one.subscription for one in event.deliveries.all()] == [chosen]
    assert not event.handler_runs.filter(round__gt=0).exists()


def test_ignored_event_that_is_sent_to_a_subscription_is_done(bot: Bot, shop: dict[str, Any]) -> None:
    event = make_event(bot, event_type="shop.nobody_v1", status=EventStatus.IGNORED)
    make_subscription(bot)
    advance(job_for(mode=ReplayMode.ALL), seconds=5)
    event.refresh_from_db()
    assert (event.status, event.deliveries.count()) == (EventStatus.DONE, 1)


def test_an_event_without_handlers_gets_those_there_are_now(bot: Bot, shop: dict[str, Any]) -> None:
    event = make_event(bot, event_type=TYPE, status=EventStatus.IGNORED)
    advance(job_for(mode=ReplayMode.ALL), seconds=5)
    assert event.handler_runs.count() == 2


def test_runs_that_are_under_way_are_left_to_end(bot: Bot, shop: dict[str, Any]) -> None:
    event = make_event(bot, event_type=TYPE, status=EventStatus.RECEIVED)
    dispatched(event)
    job = job_for(mode=ReplayMode.ALL)
    advance(job, seconds=5)
    job.refresh_from_db()
    assert (job.replayed, job.skipped, event.handler_runs.count()) == (0, 1, 2)


@pytest.mark.parametrize(
    "values",
    [
        {"status": EventStatus.QUARANTINED, "event_type": ""},
        {"status": EventStatus.DEAD, "event_type": "card.action.trigger"},
        {"status": EventStatus.RECEIVED, "event_type": TYPE},
    ],
    ids=["unreadable", "click", "not handled yet"],
)
def test_what_cannot_be_replayed_is_skipped(bot: Bot, shop: dict[str, Any], values: dict[str, Any]) -> None:
    on("*")(lambda _event, _bot: None)
    event = make_event(bot, **values)
    job = job_for(mode=ReplayMode.ALL)
    advance(job, seconds=5)
    job.refresh_from_db()
    event.refresh_from_db()
    assert (job.state, job.skipped) == (ReplayState.DONE, 1)
    assert event.status == values["status"]


def test_a_handler_that_was_taken_away_is_not_asked_again(
    bot: Bot, shop: dict[str, Any], monkeypatch
) -> None:
    event = handled(bot)
    monkeypatch.setattr("events.handling.registry._registry", HandlerRegistry())
    advance(job_for(), seconds=5)
    assert event.handler_runs.count() == 2


def test_a_replay_takes_what_was_there_when_it_began_oldest_first(
    bot: Bot, shop: dict[str, Any], monkeypatch
) -> None:
    monkeypatch.setattr(replay, "STEP", 2)
    events = [handled(bot).pk for _ in range(3)]
    job = job_for()
    handled(bot)
    step(job)
    assert (
        list(HandlerRun.objects.filter(replay=job).order_by("pk").values_list("event", flat=True))
        == events[:2]
    )
    advance(job, seconds=5)
    assert (
        list(HandlerRun.objects.filter(replay=job).order_by("pk").values_list("event", flat=True)) == events
    )
    job.refresh_from_db()
    assert (job.replayed, job.state) == (3, ReplayState.DONE)


def test_a_step_that_dies_is_taken_again_as_if_it_had_not_been(
    bot: Bot, shop: dict[str, Any], monkeypatch
) -> None:
    handled(bot)
    job = job_for()
    with monkeypatch.context() as broken:
        broken.setattr(HandlerRun.objects, "bulk_create", lambda _rows: 1 / 0)
        assert advance(job, seconds=5) is Progress.WAITING
    job.refresh_from_db()
    assert job.is_open
    assert "ZeroDivisionError" in job.error
    advance(job, seconds=5)
    job.refresh_from_db()
    assert (job.replayed, job.error, HandlerRun.objects.filter(replay=job).count()) == (1, "", 1)


def test_of_two_who_take_the_same_step_one_does_it(bot: Bot, shop: dict[str, Any], monkeypatch) -> None:
    handled(bot)
    job = job_for()
    searched = replay.oldest

    def overtaken(*arguments: Any, **options: Any) -> Any:
        found = searched(*arguments, **options)
        monkeypatch.setattr(replay, "oldest", searched)
        assert step(ReplayJob.objects.get(pk=job.pk)) is Progress.ENDED
        return found

    monkeypatch.setattr(replay, "oldest", overtaken)
    assert step(job) is Progress.WAITING
    assert HandlerRun.objects.filter(replay=job).count() == 1


def test_no_more_events_a_second_than_asked(bot: Bot, shop: dict[str, Any]) -> None:
    for _ in range(5):
        handled(bot)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        job = job_for(rate=2)
        advance(job, seconds=5)
        assert HandlerRun.objects.filter(replay=job).count() == 2
        clock.shift(timedelta(seconds=1))
        advance(job, seconds=5)
        assert HandlerRun.objects.filter(replay=job).count() == 4
        clock.shift(timedelta(milliseconds=100))
        assert advance(job, seconds=5) is Progress.WAITING
        clock.shift(timedelta(seconds=1))
        assert advance(job, seconds=5) is Progress.ENDED


def test_a_pause_is_made_up_for_within_bounds(bot: Bot, shop: dict[str, Any]) -> None:
    for _ in range(13):
        handled(bot)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        job = job_for(rate=1)
        advance(job, seconds=5)
        clock.shift(timedelta(hours=1))
        advance(job, seconds=5)
        assert HandlerRun.objects.filter(replay=job).count() == 1 + replay.BURST.total_seconds()


def test_a_cancelled_replay_goes_no_further(bot: Bot, shop: dict[str, Any]) -> None:
    handled(bot)
    job = job_for()
    assert cancel_replay(job, actor=SYSTEM)
    assert advance(job, seconds=5) is Progress.ENDED
    assert not cancel_replay(job, actor=SYSTEM)
    assert HandlerRun.objects.filter(replay=job).count() == 0


def test_a_replay_is_audited_with_its_actor_its_bot_and_its_filter(bot: Bot) -> None:
    actor = Actor.command("replayevents")
    job = start_replay(
        criteria=EventCriteria(bots=(bot.pk,), event_type=TYPE), mode=ReplayMode.ALL, actor=actor
    )
    cancel_replay(job, actor=actor)
    started, cancelled = AuditEntry.objects.filter(target=f"#{job.pk}").order_by("pk")
    assert (started.action, started.actor, started.app_id) == ("replay.started", str(actor), bot.app_id)
    assert started.detail["filter"]["event_type"] == TYPE
    assert cancelled.action == "replay.cancelled"


def test_the_dry_run_counts_and_changes_nothing(bot: Bot, shop: dict[str, Any], monkeypatch) -> None:
    for _ in range(3):
        handled(bot)
    assert str(estimate(EventCriteria())) == "3"
    monkeypatch.setattr(replay, "MAX_EXPECTED", 2)
    assert str(estimate(EventCriteria())) == "2+"
    assert not HandlerRun.objects.filter(round__gt=0).exists()
    assert not ReplayJob.objects.exists()
