from datetime import timedelta

import pytest
from django.utils import timezone

from events.enums import DeliveryStatus, RunStatus
from events.models import Delivery, Event, HandlerRun
from tests.core.metrics.scraping import read_now
from tests.events.handler_runs import stored_event
from tests.factories import make_subscription

pytestmark = pytest.mark.django_db(transaction=True)

AGO = timedelta(minutes=10)


def test_events_that_nobody_dispatched_are_counted_with_the_age_of_the_oldest():
    first, _second = stored_event(), stored_event()
    Event.objects.filter(pk=first.pk).update(received_at=timezone.now() - AGO)
    assert read_now("feishu_events_backlog")["received",] == 2
    assert read_now("feishu_events_oldest_seconds")[()] >= AGO.total_seconds()


def test_nothing_waits_where_there_is_nothing():
    assert read_now("feishu_events_backlog")["received",] == 0
    for name in ("events_oldest", "handler_runs_overdue", "deliveries_overdue"):
        assert read_now(f"feishu_{name}_seconds")[()] == 0


def test_runs_are_counted_by_status_and_the_dead_by_kind():
    event = stored_event()
    for status in (RunStatus.PENDING, RunStatus.RETRYING, RunStatus.DEAD):
        HandlerRun.objects.create(
            event=event, bot=event.bot, handler=status.value, status=status, run_at=timezone.now() - AGO
        )
    runs = read_now("feishu_handler_runs_backlog")
    assert (runs["pending",], runs["retrying",], runs["running",]) == (1, 1, 0)
    assert read_now("feishu_handler_runs_overdue_seconds")[()] >= AGO.total_seconds()
    assert read_now("feishu_dead_letters") == {("handler",): 1, ("delivery",): 0}


def test_deliveries_that_are_due_are_told_with_how_late_they_are():
    event = stored_event()
    subscription = make_subscription(event.bot)
    Delivery.objects.create(
        event=event,
        bot=event.bot,
        subscription=subscription,
        status=DeliveryStatus.PENDING,
        run_at=timezone.now() - AGO,
    )
    assert read_now("feishu_deliveries_backlog")["pending",] == 1
    assert read_now("feishu_deliveries_overdue_seconds")[()] >= AGO.total_seconds()
    assert read_now("feishu_subscriptions")["active",] == 1
