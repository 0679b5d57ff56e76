"""How far a receiver is behind, and its newest deliveries; both bounded."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import DateTimeField, Exists, OuterRef, Prefetch, Q, QuerySet, Subquery

from bots.models import Bot
from core.database.among import among
from core.database.counts import BoundedCount, count_up_to
from events.models import Delivery, DeliveryAttempt, Subscription
from events.models.claims import WAITING
from events.subscriptions.reach import deliveries_of

MAX_COUNTED = 10_000  # deliveries
NEWEST = 20


@dataclass(frozen=True, slots=True)
class Lag:
    """``waiting``: deliveries that wait, counted up to ``MAX_COUNTED``. ``oldest``: when the event of the first arrived."""

    waiting: BoundedCount
    oldest: datetime | None


def lag_of(subscription: Subscription) -> Lag:
    waiting = deliveries_of(subscription).filter(among("status", WAITING))
    oldest = waiting.order_by("pk").values_list("event__received_at", flat=True).first()
    return Lag(count_up_to(waiting, MAX_COUNTED), oldest)


def with_oldest(subscriptions: QuerySet[Subscription]) -> QuerySet[Subscription]:
    """The subscriptions with ``waits_since``: when the first event that waits for each arrived."""
    owned = Bot.owners.through.objects.filter(bot=OuterRef("bot"), user=OuterRef("subscription__owner"))
    waiting = (
        Delivery.objects.waiting()
        .filter(Q(subscription__owner__is_superuser=True) | Exists(owned), subscription=OuterRef("pk"))
        .order_by("pk")
    )
    first = Subquery(waiting.values("event__received_at")[:1], output_field=DateTimeField())
    return subscriptions.annotate(waits_since=first)


def newest_deliveries(subscription: Subscription) -> list[Delivery]:
    """The ``NEWEST`` deliveries with their attempts, newest first; payloads are not loaded."""
    attempts = Prefetch("attempt_log", DeliveryAttempt.objects.order_by("number"))
    rows = deliveries_of(subscription).select_related("event__bot")
    return list(rows.defer("event__payload").prefetch_related(attempts).order_by("-pk")[:NEWEST])
