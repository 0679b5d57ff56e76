"""Deliveries that leave the portal and have waited too long: for a receiver that never fetches, that stays paused, or that
was removed. Their events could not be pruned otherwise."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from events.enums import DeliveryFailure, DeliveryStatus, SubscriptionState
from events.log.fingerprints import fingerprint
from events.models import Delivery, Subscription

AT_ONCE = 500
EXPIRED = "Nobody took it in time."


def end_overdue() -> int:
    """End some of them; returns how many."""
    over = Q(state=SubscriptionState.OFF) | Q(removed_at__isnull=False)
    off = list(Subscription.objects.filter(over).values_list("pk", flat=True))
    others = list(Subscription.objects.exclude(over).values_list("pk", flat=True))
    too_old = Q(run_at__lt=timezone.now() - timedelta(days=settings.DELIVERY_KEEP_DAYS))
    return _end(Q(subscription__in=off), status=DeliveryStatus.SKIPPED) + _end(
        Q(subscription__in=others) & too_old,
        status=DeliveryStatus.DEAD,
        failure=DeliveryFailure.EXPIRED,
        error=EXPIRED,
        fingerprint=fingerprint(EXPIRED),
    )


@transaction.atomic
def _end(which: Q, **values: str) -> int:
    waiting = Delivery.objects.waiting().filter(which)
    found = list(waiting.order_by("run_at").values_list("pk", flat=True)[:AT_ONCE])
    return waiting.filter(pk__in=found).update(finished_at=timezone.now(), **values) if found else 0
