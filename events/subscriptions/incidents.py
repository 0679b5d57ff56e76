"""Receivers that take no events, as incidents of whoever set up the subscription."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from bots.enums import IncidentCause
from bots.incidents.detection import Subject, Trouble, Watch, register
from bots.incidents.words import GONE
from events.enums import SENDING, SubscriptionKind, SubscriptionState
from events.models import Subscription


def failing_receivers() -> Iterator[Trouble]:
    """Subscriptions that have been paused for longer than settings.ALERT_SECONDS, or whose receiver said it is gone."""
    late = timezone.now() - timedelta(seconds=settings.ALERT_SECONDS)
    failing = Q(state=SubscriptionState.FAILING, state_since__lte=late)
    for row in _pushed().filter(failing | Q(state=SubscriptionState.GONE)):
        yield Trouble(
            Subject(row.pk, row.name, row.owner_id),
            IncidentCause.DELIVERIES,
            row.state_since,
            reason=GONE if row.state == SubscriptionState.GONE else "",
            message=row.last_error,
        )


def _sending() -> Iterable[UUID]:
    return _pushed().filter(state__in=SENDING).values_list("pk", flat=True)


def _pushed() -> QuerySet[Subscription]:
    return Subscription.objects.filter(kind=SubscriptionKind.PUSH, removed_at=None)


register(
    Watch(causes=frozenset({IncidentCause.DELIVERIES}), troubles=failing_receivers, concerned=_sending),
)
