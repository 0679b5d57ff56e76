"""Pushing in the test's own thread, to receivers that answer what a test wants."""

from django.utils import timezone

from events.models import Delivery, Subscription
from events.subscriptions.http.post import PushResult
from events.subscriptions.push import claim_due, settle

OK = PushResult(200, "thanks")
BROKEN = PushResult(500, "oh no")


def claimed(subscription: Subscription, *, limit: int = 10) -> list[Delivery]:
    Delivery.objects.waiting().update(run_at=timezone.now())
    return claim_due(subscription.pk, limit=limit)


def pushed(subscription: Subscription, result: PushResult, *, limit: int = 10) -> list[Delivery]:
    """Push what waits once; every receiver answers ``result``."""
    deliveries = claimed(subscription, limit=limit)
    for delivery in deliveries:
        settle(delivery, result)
    subscription.refresh_from_db()
    return deliveries
