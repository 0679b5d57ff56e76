"""The circuit breaker of a subscription, so that a broken receiver is not flooded and no delivery is used up on it.

Closed (``ACTIVE``): deliveries are pushed as they fall due. ``FAILURES_TO_OPEN`` failures in a row, whichever events they
were for, open it (``FAILING``): nothing is pushed until ``probe_at``. Then it is half-open: one delivery is pushed alone.
Its success closes the circuit, its failure opens it for longer. A receiver that answers 410 ends it (``GONE``) until an
operator resumes the subscription.
"""

import logging
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils import timezone

from core.access import audit
from core.access.actors import SYSTEM
from core.background.retry import RetrySchedule
from core.database.text import storable
from events.enums import SENDING, SubscriptionState
from events.models import Subscription
from events.subscriptions.http.post import PushResult

logger = logging.getLogger(__name__)

FAILURES_TO_OPEN = 10
PROBES = RetrySchedule((60, 300, 900, 1800, 3600))
"""Pauses before a probe, the last one again and again."""
MAX_ERROR = 500  # characters kept


def next_probe(failures: int) -> datetime:
    """When a circuit that is open after so many failures in a row is probed."""
    return timezone.now() + PROBES.pause_after(failures - FAILURES_TO_OPEN + 1)


def take_probe(subscription: Subscription) -> bool:
    """Whether the receiver may be asked now although its circuit is open: the probe is due, and nobody else has taken it."""
    due = Subscription.objects.filter(
        pk=subscription.pk, state=SubscriptionState.FAILING, probe_at__lte=timezone.now()
    )
    return bool(due.update(probe_at=next_probe(subscription.failures)))


def record_success(subscription: Subscription) -> None:
    """The receiver took an event: close the circuit. Belongs to the transaction that settles the delivery."""
    now = timezone.now()
    row = Subscription.objects.filter(pk=subscription.pk)
    row.update(last_success_at=now, failures=0)
    if row.filter(state=SubscriptionState.FAILING).update(
        state=SubscriptionState.ACTIVE, state_since=now, probe_at=None
    ):
        _announce(subscription, "subscription.recovered")


def record_failure(subscription: Subscription, result: PushResult) -> None:
    """Count the failure, and open the circuit when there are too many. Belongs to the transaction that settles the
    delivery."""
    now = timezone.now()
    row = Subscription.objects.filter(pk=subscription.pk)
    row.update(
        last_failure_at=now, last_error=storable(result.summary, MAX_ERROR), failures=F("failures") + 1
    )
    failures = row.values_list("failures", flat=True).get()
    if result.is_gone:
        if row.filter(state__in=SENDING).update(state=SubscriptionState.GONE, state_since=now, probe_at=None):
            _announce(subscription, "subscription.gone")
    elif failures >= FAILURES_TO_OPEN:
        probe_at = next_probe(failures)
        if row.filter(state=SubscriptionState.ACTIVE).update(
            state=SubscriptionState.FAILING, state_since=now, probe_at=probe_at
        ):
            _announce(subscription, "subscription.failing", failures=failures)
        else:
            row.filter(state=SubscriptionState.FAILING).update(probe_at=probe_at)


def _announce(subscription: Subscription, action: str, **detail: Any) -> None:
    logger.warning(action.replace(".", "_"), extra={"subscription": str(subscription.pk)})
    audit.record(
        actor=SYSTEM, action=action, target=subscription.name, subscription=str(subscription.pk), **detail
    )
