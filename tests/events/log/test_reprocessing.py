"""A replay adds what was asked for, keeps what was recorded before, and leaves the rest alone."""

from typing import Any

import pytest

from bots.models import Bot
from events.enums import DeliveryStatus, EventStatus, ReplayMode, ReplayState, RunStatus
from events.handling.registry import HandlerRegistry, on
from events.log.replay import Progress, advance
from events.models import Delivery, HandlerAttempt
from tests.events.handler_runs import dispatched
from tests.events.log.replays import TYPE, handled, job_for, run
from tests.events.log.rows import make_event
from tests.factories import make_subscription

pytestmark = pytest.mark.usefixtures("no_broker")


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


def test_event_that_could_not_be_dispatched_is_dispatched_by_a_replay_of_what_failed(
    bot: Bot, shop: dict[str, Any]
) -> None:
    event = make_event(bot, event_type=TYPE, status=EventStatus.QUARANTINED, error="TypeError: a fault")
    make_subscription(bot)
    shop["broken"] = False
    advance(job_for(), seconds=5)
    run(event)
    assert (event.status, event.error, event.deliveries.count()) == (EventStatus.DONE, "", 1)
    assert shop["calls"] == ["ledger", "stock"]


def test_quarantined_event_that_cannot_be_read_is_skipped(bot: Bot, shop: dict[str, Any]) -> None:
    event = make_event(bot, event_type=TYPE, status=EventStatus.QUARANTINED, payload=b"not json")
    advance(job_for(mode=ReplayMode.ALL), seconds=5)
    event.refresh_from_db()
    assert (event.status, event.handler_runs.count()) == (EventStatus.QUARANTINED, 0)


def test_a_handler_that_was_taken_away_is_not_asked_again(
    bot: Bot, shop: dict[str, Any], monkeypatch
) -> None:
    event = handled(bot)
    monkeypatch.setattr("events.handling.registry._registry", HandlerRegistry())
    advance(job_for(), seconds=5)
    assert event.handler_runs.count() == 2
