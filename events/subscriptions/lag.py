"""How far a subscription is behind, and what became of its newest deliveries; both within bounds."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import DateTimeField, OuterRef, Prefetch, QuerySet, Subquery

from events.models import Delivery, DeliveryAttempt, Subscription

MAX_COUNTED = 10_000
NEWEST = 20


@dataclass(frozen=True, slots=True)
class Lag:
    """Deliveries that wait; with ``is_more`` there are at least so many. ``oldest`` is when the first of them arrived."""

    waiting: int
    is_more: bool
    oldest: datetime | None

    def __str__(self) -> str:
        return f"{self.waiting:,}+" if self.is_more else f"{self.waiting:,}"


def lag_of(subscription: Subscription) -> Lag:
    """Counted no further than ``MAX_COUNTED``."""
    waiting = Delivery.objects.waiting().filter(subscription=subscription)
    count = waiting.order_by()[: MAX_COUNTED + 1].count()
    oldest = waiting.order_by("pk").values_list("event__received_at", flat=True).first()
    return Lag(min(count, MAX_COUNTED), count > MAX_COUNTED, oldest)


def with_oldest(rows: QuerySet[Subscription]) -> QuerySet[Subscription]:
    """The subscriptions with ``waits_since``, the arrival of the first event that waits for each."""
    waiting = Delivery.objects.waiting().filter(subscription=OuterRef("pk")).order_by("pk")
    first = Subquery(waiting.values("event__received_at")[:1], output_field=DateTimeField())
    return rows.annotate(waits_since=first)


def newest_deliveries(subscription: Subscription) -> list[Delivery]:
    """The newest of its deliveries with their tries, without the payloads."""
    tries = Prefetch("tries", DeliveryAttempt.objects.order_by("number"))
    rows = Delivery.objects.filter(subscription=subscription).select_related("event__bot")
    return list(rows.defer("event__payload").prefetch_related(tries).order_by("-pk")[:NEWEST])
