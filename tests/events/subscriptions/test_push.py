"""Deliveries are pushed when they are due, retried on schedule, and claimed by one process at a time."""

from datetime import timedelta

import pytest
from django.utils import timezone

from events.enums import DeliveryFailure, DeliveryStatus, EventStatus, SubscriptionState
from events.models import Delivery, Subscription
from events.subscriptions import push
from events.subscriptions.http.post import PushResult
from events.subscriptions.push import RETRIES, claim_abandoned, settle
from tests.core.metrics.scraping import value
from tests.events.handler_runs import fanned_out, run_due, stored_event
from tests.events.subscriptions.pushing import BROKEN, OK, claimed, pushed
from tests.factories import make_subscription

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_handlers")]


def test_handlers_runners_leave_pushes_alone(bot):
    make_subscription(bot)
    event = stored_event(bot=bot)
    assert run_due(bot) == []
    assert event.deliveries.get().status == DeliveryStatus.PENDING


def test_a_push_that_is_taken_is_noted_with_its_answer(bot):
    subscription = make_subscription(bot)
    fanned_out(stored_event(bot=bot))
    [delivery] = pushed(subscription, OK)
    attempt = delivery.attempt_log.get()
    assert (attempt.status_code, attempt.response, attempt.outcome) == (200, "thanks", "succeeded")
    assert subscription.last_success_at is not None


def test_a_push_that_fails_is_retried_on_schedule_and_then_dead(bot):
    subscription = make_subscription(bot)
    event = stored_event(bot=bot)
    fanned_out(event)
    for number, wait in enumerate((*RETRIES.pauses, None), start=1):
        Subscription.objects.update(state=SubscriptionState.ACTIVE, failures=0)
        before = timezone.now()
        [delivery] = pushed(subscription, BROKEN)
        delivery.refresh_from_db()
        assert delivery.attempts == number
        if wait is not None:
            pause_ = (delivery.run_at - before).total_seconds()
            assert delivery.status == DeliveryStatus.RETRYING
            assert wait <= pause_ <= wait * 1.2 + 60
    assert (delivery.status, delivery.failure) == (DeliveryStatus.DEAD, DeliveryFailure.REFUSED)
    assert delivery.error == "HTTP 500: oh no"
    assert delivery.attempt_log.count() == RETRIES.max_attempts
    event.refresh_from_db()
    assert event.status == EventStatus.DONE, "an event's state is that of its handlers"


@pytest.mark.parametrize(
    ("result", "least", "most"),
    [
        (PushResult(429, retry_after=600), 600, 600),
        (PushResult(503, retry_after=600), 600, 600),
        (
            PushResult(429, retry_after=10**8),
            push.MAX_RETRY_AFTER.total_seconds(),
            push.MAX_RETRY_AFTER.total_seconds(),
        ),
        (PushResult(429, retry_after=1), 5, 6),
        (PushResult(500, retry_after=600), 5, 6),
        (PushResult(None, error="?"), 5, 6),
    ],
)
def test_a_busy_receiver_says_when_to_come_back_within_bounds(result, least, most):
    assert least <= push.pause_after(1, result).total_seconds() <= most


def test_no_more_pushes_start_in_a_second_than_the_subscription_allows(bot, time_machine):
    time_machine.move_to(timezone.now(), tick=False)
    subscription = make_subscription(bot, per_second=3)
    for _ in range(8):
        fanned_out(stored_event(bot=bot))
    assert len(claimed(subscription)) == 3
    assert claimed(subscription) == []
    assert push.seconds_to_next() <= 1
    Subscription.objects.update(next_start_at=timezone.now() - timedelta(seconds=5))
    assert 3 <= len(claimed(subscription)) <= 4


def test_a_push_whose_process_died_is_claimed_again(bot):
    subscription = make_subscription(bot)
    fanned_out(stored_event(bot=bot))
    [delivery] = claimed(subscription)
    assert claim_abandoned(5) == []
    Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    [again] = claim_abandoned(5)
    settle(delivery, OK)
    again.refresh_from_db()
    assert again.status == DeliveryStatus.RUNNING, "whoever lost the claim changes nothing"
    settle(again, OK)
    assert Delivery.objects.get().status == DeliveryStatus.SUCCEEDED


def test_pushes_are_counted_by_outcome(bot):
    def counts():
        return tuple(value("feishu_deliveries_total", status) for status in ("succeeded", "retrying"))

    subscription = make_subscription(bot)
    fanned_out(stored_event(bot=bot))
    before, seconds = counts(), value("feishu_delivery_seconds_count")
    pushed(subscription, BROKEN)
    assert counts() == (before[0], before[1] + 1)
    Delivery.objects.update(run_at=timezone.now())
    pushed(subscription, OK)
    assert counts() == (before[0] + 1, before[1] + 1)
    assert value("feishu_delivery_seconds_count") == seconds + 1
