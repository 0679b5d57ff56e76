"""Which subscriptions an event goes to, and saving its deliveries."""

import logging
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from django.db import transaction
from django.utils import timezone

from core.database.text import storable
from events.enums import DeliveryFailure, DeliveryStatus, SubscriptionKind
from events.log.fingerprints import fingerprint
from events.models import Delivery, Event, Subscription
from events.notify import notify_pusher
from events.subscriptions.filters import all_hold
from feishu.callbacks import is_callback

logger = logging.getLogger(__name__)


def wants(subscription: Subscription, event: Event) -> bool:
    """Whether an event of one of its bots matches the subscription's types and filter. Clicks never do: a handler has to
    answer them. Raises ValueError for an event that cannot be read."""
    if is_callback(event.event_type):
        return False
    if not any(fnmatchcase(event.event_type, pattern) for pattern in subscription.event_types):
        return False
    return not subscription.filter or all_hold(subscription.filter, event.envelope)


def deliveries_for(event: Event, subscriptions: Iterable[Subscription]) -> list[Delivery]:
    """The deliveries of one event, not saved yet. A subscription whose filter raises gets a dead one that says so."""
    found = []
    for subscription in subscriptions:
        try:
            if wants(subscription, event):
                found.append(delivery_to(subscription, event))
        except Exception as error:
            logger.exception(
                "filter_failed", extra={"subscription": str(subscription.pk), "event_pk": event.pk}
            )
            delivery = delivery_to(subscription, event)
            delivery.status, delivery.failure = DeliveryStatus.DEAD, DeliveryFailure.BAD_FILTER
            delivery.error = storable(f"{type(error).__name__}: {error}", 1000)
            delivery.fingerprint, delivery.finished_at = fingerprint(delivery.error), timezone.now()
            found.append(delivery)
    return found


def delivery_to(subscription: Subscription, event: Event) -> Delivery:
    """The delivery of one event to a subscription, not saved yet."""
    return Delivery(event=event, bot_id=event.bot_id, subscription=subscription)


def add_deliveries(deliveries: Sequence[Delivery]) -> None:
    """Save new deliveries, in order, in the caller's transaction; the pusher is notified on commit."""
    if not deliveries:
        return
    hold_readers(one.subscription for one in deliveries)
    Delivery.objects.bulk_create(deliveries)
    transaction.on_commit(notify_pusher)


def hold_readers(subscriptions: Iterable[Subscription]) -> None:
    """Lock the subscriptions that are read by number until the transaction ends: numbers of their deliveries then become
    visible in order, and a receiver that has read up to one has missed none before it."""
    pulled = {one.pk for one in subscriptions if one.kind == SubscriptionKind.PULL}
    if pulled:
        rows = Subscription.objects.select_for_update().filter(pk__in=pulled).order_by("pk")
        list(rows.values_list("pk"))
