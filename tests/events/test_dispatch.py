import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from events import registry
from events.arrivals import arrival
from events.domain import deliveries
from events.domain.dispatch import dispatch_events, sweep
from events.domain.inbox import store
from events.enums import Arrived, DeliveryStatus, EventStatus
from events.models import Delivery, Event
from tests.factories import make_bot, message_event

pytestmark = pytest.mark.django_db

DONE: list[str] = []


@pytest.fixture(autouse=True)
def only_own_handlers(monkeypatch):
    """Handlers of the product stay out of the way; whatever a test registers is forgotten after it."""
    DONE.clear()
    monkeypatch.setattr(registry, "_handlers", {})


@pytest.fixture
def hints(monkeypatch) -> list[int]:
    """Deliveries the dispatcher hinted at, instead of a broker."""
    hinted: list[int] = []
    monkeypatch.setattr("events.domain.dispatch.hint_deliveries", hinted.extend)
    return hinted


def stored_event(payload=None) -> Event:
    body = json.dumps(payload or message_event()).encode()
    [stored] = store([arrival(bot_id=make_bot().pk, payload=body, arrived_by=Arrived.WEBSOCKET)])
    return Event.objects.get(pk=stored.event_pk)


def dispatched(event: Event, hints: list[int]) -> list[Delivery]:
    dispatch_events([event.pk])
    return [Delivery.objects.get(pk=pk) for pk in hints]


def test_each_matching_handler_gets_a_delivery(hints):
    registry.on("im.message.*")(lambda event, bot: None)

    @registry.on("*")
    def everything(event, bot): ...

    @registry.on("contact.user.created_v3")
    def other(event, bot): ...

    names = {delivery.handler for delivery in dispatched(stored_event(), hints)}
    assert len(names) == 2
    assert not any("other" in name for name in names)


def test_event_without_a_handler_is_ignored_and_finished(hints):
    event = stored_event()
    assert dispatched(event, hints) == []
    event.refresh_from_db()
    assert (event.status, event.finished_at is not None) == (EventStatus.IGNORED, True)


def test_event_dispatched_twice_gets_its_deliveries_once(hints):
    registry.on("*")(lambda event, bot: None)
    event = stored_event()
    dispatch_events([event.pk])
    dispatch_events([event.pk])
    assert Delivery.objects.count() == len(hints) == 1


def test_handler_sees_event_and_bot_and_the_event_is_done(hints):
    @registry.on("im.message.receive_v1")
    def greet(event, bot):
        DONE.append(f"{bot.name} {event.data['message']['message_id']}")

    event = stored_event(message_event(message_id="om_7"))
    [delivery] = dispatched(event, hints)
    deliveries.deliver(delivery.pk)
    event.refresh_from_db()
    assert [f"{event.bot.name} om_7"] == DONE
    assert event.status == EventStatus.DONE


def test_async_handler_is_awaited(hints):
    @registry.on("*", atomic=False)
    async def later(event, bot):
        DONE.append("later")

    [delivery] = dispatched(stored_event(), hints)
    deliveries.deliver(delivery.pk)
    assert DONE == ["later"]


def test_effects_of_a_failing_async_handler_are_undone(hints):
    @registry.on("*")
    async def fail(event, bot):
        bot.name = "changed"
        await bot.asave()
        raise ValueError

    event = stored_event()
    [delivery] = dispatched(event, hints)
    deliveries.deliver(delivery.pk)
    event.bot.refresh_from_db()
    assert event.bot.name != "changed"


def test_delivery_that_succeeded_runs_no_second_time(hints):
    registry.on("*")(lambda event, bot: DONE.append("once"))
    [delivery] = dispatched(stored_event(), hints)
    deliveries.deliver(delivery.pk)
    deliveries.deliver(delivery.pk)
    assert DONE == ["once"]


def test_failing_handler_is_retried_with_its_reason_and_its_effects_undone(hints):
    @registry.on("*")
    def fail(event, bot):
        bot.name = "changed"
        bot.save()
        raise ValueError("the reason")

    event = stored_event()
    [delivery] = dispatched(event, hints)
    deliveries.deliver(delivery.pk)
    delivery.refresh_from_db()
    event.bot.refresh_from_db()
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.RETRYING, 1)
    assert "ValueError: the reason" in delivery.error
    assert delivery.run_at > timezone.now()
    assert event.bot.name != "changed"


def test_handler_out_of_tries_ends_dead_and_so_does_the_event(hints):
    @registry.on("*", retries=0)
    def fail(event, bot):
        raise ValueError

    event = stored_event()
    [delivery] = dispatched(event, hints)
    deliveries.deliver(delivery.pk)
    event.refresh_from_db()
    assert event.status == EventStatus.DEAD


def test_one_failing_handler_leaves_the_other_alone(hints):
    @registry.on("*")
    def fail(event, bot):
        raise ValueError

    @registry.on("*")
    def work(event, bot):
        DONE.append("worked")

    for delivery in dispatched(stored_event(), hints):
        deliveries.deliver(delivery.pk)
    assert DONE == ["worked"]


def test_runner_that_lost_its_claim_changes_nothing(hints):
    @registry.on("*")
    def overtaken(event, bot):
        bot.name = "changed"
        bot.save()
        Delivery.objects.update(claim_id=None)

    event = stored_event()
    [delivery] = dispatched(event, hints)
    deliveries.deliver(delivery.pk)
    event.bot.refresh_from_db()
    assert event.bot.name != "changed"


def test_delivery_whose_runner_died_is_due_again(hints):
    registry.on("*")(lambda event, bot: DONE.append("again"))
    [delivery] = dispatched(stored_event(), hints)
    past = timezone.now() - timedelta(seconds=1)
    Delivery.objects.update(status=DeliveryStatus.RUNNING, lease_until=past, attempts=1)
    deliveries.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert (DONE, delivery.attempts) == (["again"], 2)


def test_handler_taken_away_by_a_deployment_ends_dead_with_that_reason(hints, monkeypatch):
    registry.on("*")(lambda event, bot: None)
    [delivery] = dispatched(stored_event(), hints)
    monkeypatch.setattr(registry, "_handlers", {})
    deliveries.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.error) == (
        DeliveryStatus.DEAD,
        "The handler is not installed any more.",
    )


def test_sweep_finds_what_lost_hints_left_behind(hints, monkeypatch, settings):
    settings.SWEEP_SECONDS = 0
    registry.on("*")(lambda event, bot: None)
    waiting, started = stored_event(), stored_event()
    dispatch_events([started.pk])
    hinted_events: list[int] = []
    monkeypatch.setattr("events.domain.dispatch.hint_dispatch", hinted_events.extend)
    hints.clear()
    sweep()
    assert hinted_events == [waiting.pk]
    assert hints == [started.deliveries.get().pk]


def test_handler_that_always_takes_its_worker_down_ends_dead_with_that_reason(hints):
    registry.on("*", retries=1)(lambda event, bot: DONE.append("once more"))
    event = stored_event()
    [delivery] = dispatched(event, hints)
    past = timezone.now() - timedelta(seconds=1)
    Delivery.objects.update(status=DeliveryStatus.RUNNING, lease_until=past, attempts=2)
    deliveries.deliver(delivery.pk)
    delivery.refresh_from_db()
    event.refresh_from_db()
    assert (delivery.status, event.status, DONE) == (DeliveryStatus.DEAD, EventStatus.DEAD, [])
    assert "worker" in delivery.error


@pytest.mark.parametrize("reason", ["a NUL \x00", "half a pair \ud83d"])
def test_failure_whose_text_no_database_takes_is_noted_all_the_same(hints, reason):
    @registry.on("*")
    def fail(event, bot):
        raise ValueError(reason)

    [delivery] = dispatched(stored_event(), hints)
    deliveries.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.RETRYING
    assert reason[:-1] in delivery.error


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one writer in at a time")
def test_event_whose_last_two_deliveries_end_at_once_ends_too(hints):
    both_ran = threading.Barrier(2)
    for name in ("first", "second"):

        def work(event, bot):
            both_ran.wait(timeout=10)

        work.__qualname__ = name
        registry.on("*")(work)

    def deliver(pk):
        deliveries.deliver(pk)
        connection.close()

    event = stored_event()
    dispatched(event, hints)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(deliver, hints))
    event.refresh_from_db()
    assert event.status == EventStatus.DONE
