"""Deliveries that a receiver fetches: those it has not acknowledged, by number. Acknowledged deliveries have succeeded.

Numbers of one subscription become visible in order (see ``fan_out.hold_readers``): a receiver that has read up to one
has missed none before it.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from core.database.among import among
from events.enums import DeliveryStatus
from events.errors import MessagesAwaitedError
from events.expansion import expansion_in_time, is_expandable, kept
from events.metrics import FETCHED, count_deliveries
from events.models import Delivery, Subscription
from events.models.claims import WAITING
from events.subscriptions.payload import payload_of
from events.subscriptions.reach import deliveries_of

MAX_ACKED = 1_000  # deliveries in one transaction
EXPANDING_SECONDS = 5.0  # of one call, in which the platform is asked for messages


@dataclass(frozen=True, slots=True)
class PulledDelivery:
    """A delivery's number, and its event as JSON (see ``payload_of``)."""

    number: int
    payload: bytes


def fetch(subscription: Subscription, *, after: int, limit: int) -> list[PulledDelivery]:
    """The first ``limit`` deliveries with numbers above ``after`` that are not acknowledged, in order; fewer where what their
    messages refer to takes long to fetch, or is tried again in a few seconds: the next call goes on there."""
    waiting = deliveries_of(subscription).filter(among("status", WAITING), pk__gt=after)
    rows = waiting.select_related("event__bot").order_by("pk")[:limit]
    if not subscription.expand:
        return [PulledDelivery(row.pk, payload_of(row.event)) for row in rows]
    return list(_expanded(list(rows)))


def _expanded(rows: Sequence[Delivery]) -> Iterator[PulledDelivery]:
    known = kept(row.event for row in rows)
    until = time.monotonic() + EXPANDING_SECONDS
    for number, row in enumerate(rows):
        expanded = known.get(row.event_id)
        if (expanded is None or expanded["problems"]) and is_expandable(row.event):
            if number and time.monotonic() >= until:
                return
            try:
                expanded = expansion_in_time(row.event)
            except MessagesAwaitedError:
                return
        yield PulledDelivery(row.pk, payload_of(row.event, expanded=expanded))


def acknowledge(subscription: Subscription, *, up_to: int | None = None, numbers: Sequence[int] = ()) -> int:
    """Record that the receiver has these deliveries: all up to a number, or the named ones. Returns how many were waiting."""
    acknowledged = 0
    while True:
        count = _acknowledge_batch(subscription, up_to, numbers)
        acknowledged += count
        count_deliveries(FETCHED, count)
        if count < MAX_ACKED:
            return acknowledged


@transaction.atomic
def _acknowledge_batch(subscription: Subscription, up_to: int | None, numbers: Sequence[int]) -> int:
    waiting = deliveries_of(subscription).filter(among("status", WAITING))
    chosen = waiting.filter(pk__in=numbers) if up_to is None else waiting.filter(pk__lte=up_to)
    rows = chosen.select_for_update().order_by("pk")
    found = list(rows.values_list("pk", flat=True)[:MAX_ACKED])
    if not found:
        return 0
    now = timezone.now()
    Delivery.objects.filter(pk__in=found).update(status=DeliveryStatus.SUCCEEDED, finished_at=now)
    Subscription.objects.filter(pk=subscription.pk).update(last_success_at=now)
    return len(found)
