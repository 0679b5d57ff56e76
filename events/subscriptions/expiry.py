"""Ending deliveries that nobody will take: those of a subscription that is off or removed, and those that waited too long
because the receiver never fetches them or the subscription stays paused. Their events could not be pruned otherwise."""

import time
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from events.enums import DeliveryFailure, DeliveryStatus, SubscriptionKind, SubscriptionState
from events.log.fingerprints import fingerprint
from events.models import Delivery, Subscription
from events.subscriptions.http.failures import EXPIRED
from events.subscriptions.push import WAITING

BATCH = 500  # deliveries in one transaction
SECONDS = 3.0  # of one sweep; the next one goes on
ASKED_WITHIN = timedelta(minutes=5)
"""How long a click waits for its receiver to be asked: later nobody looks at the card any more."""


def end_expired() -> int:
    """End them, for about ``SECONDS``; returns how many."""
    if not WAITING.found():
        return 0  # mostly: the questions below are many
    off = Q(state=SubscriptionState.OFF) | Q(removed_at__isnull=False)
    unwanted = Q(subscription__in=list(Subscription.objects.filter(off).values_list("pk", flat=True)))
    others = Q(subscription__in=list(Subscription.objects.exclude(off).values_list("pk", flat=True)))
    too_old = Q(run_at__lt=timezone.now() - timedelta(days=settings.DELIVERY_KEEP_DAYS))
    answering = Subscription.objects.filter(kind=SubscriptionKind.ANSWER)
    asked = Q(subscription__in=list(answering.values_list("pk", flat=True)))
    too_late = asked & Q(run_at__lt=timezone.now() - ASKED_WITHIN)
    return _end(unwanted, status=DeliveryStatus.SKIPPED) + _end(
        (others & too_old) | too_late,
        status=DeliveryStatus.DEAD,
        failure=DeliveryFailure.EXPIRED,
        error=EXPIRED(),
        fingerprint=fingerprint(EXPIRED()),
    )


def _end(condition: Q, **values: str) -> int:
    deadline, ended = time.monotonic() + SECONDS, 0
    while True:
        with transaction.atomic():
            waiting = Delivery.objects.waiting().filter(condition)
            pks = list(waiting.order_by("run_at").values_list("pk", flat=True)[:BATCH])
            ended += waiting.filter(pk__in=pks).update(finished_at=timezone.now(), **values)
        if len(pks) < BATCH or time.monotonic() >= deadline:
            return ended
