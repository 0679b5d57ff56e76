"""Which subscriptions an event goes to, and saving its deliveries. A callback goes to the one that answers it."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import islice

from django.db import transaction
from django.utils import timezone

from core.database.text import storable
from events.enums import DeliveryFailure, DeliveryStatus, SubscriptionKind, SubscriptionState
from events.log.fingerprints import fingerprint
from events.models import Delivery, Event, Subscription
from events.notify import notify_pusher
from events.subscriptions.filters import all_hold
from events.subscriptions.http.failures import KEEPS_FAILING, PAUSED
from feishu.callbacks import is_callback

logger = logging.getLogger(__name__)


def wants(subscription: Subscription, event: Event) -> bool:
    """Whether an event of one of its bots matches the subscription's types and filter. Callbacks are for subscriptions that
    answer them, and nothing else is. Raises ValueError for an event that cannot be read."""
    if is_callback(event.event_type) != (subscription.kind == SubscriptionKind.ANSWER):
        return False
    if not any(fnmatchcase(event.event_type, pattern) for pattern in subscription.event_types):
        return False
    return not subscription.filter or all_hold(subscription.filter, event.envelope)


def deliveries_for(event: Event, subscriptions: Iterable[Subscription]) -> list[Delivery]:
    """The deliveries of one event, not saved yet: of a callback to the first subscription that wants it alone, because it has
    one answer. A subscription whose filter raises, or whose receiver cannot be asked, gets a dead one that says so."""
    return list(islice(_wanted(event, subscriptions), 1 if is_callback(event.event_type) else None))


def _wanted(event: Event, subscriptions: Iterable[Subscription]) -> Iterator[Delivery]:
    for subscription in subscriptions:
        try:
            is_wanted = wants(subscription, event)
        except Exception as error:
            logger.exception(
                "filter_failed", extra={"subscription": str(subscription.pk), "event_pk": event.pk}
            )
            delivery = delivery_to(subscription, event)
            end_undelivered(delivery, DeliveryFailure.BAD_FILTER, f"{type(error).__name__}: {error}")
            yield delivery
        else:
            if is_wanted:
                yield delivery_to(subscription, event)


def end_undelivered(delivery: Delivery, failure: DeliveryFailure, error: str) -> None:
    """Make a delivery that is not saved yet a dead one without an attempt."""
    delivery.status, delivery.failure = DeliveryStatus.DEAD, failure
    delivery.error = storable(error, 1000)
    delivery.fingerprint, delivery.finished_at = fingerprint(delivery.error), timezone.now()


def delivery_to(subscription: Subscription, event: Event) -> Delivery:
    """The delivery of one event to a subscription, not saved yet. Callbacks are not kept for a receiver that is not asked for
    the time being: they have a dead one."""
    delivery = Delivery(event=event, bot_id=event.bot_id, subscription=subscription)
    if subscription.kind == SubscriptionKind.ANSWER and (reason := _why_not_asked(subscription)):
        end_undelivered(delivery, DeliveryFailure.NOT_ASKED, reason)
    return delivery


def _why_not_asked(subscription: Subscription) -> str:
    if subscription.state == SubscriptionState.PAUSED:
        return PAUSED()
    probe_at = subscription.probe_at
    is_open = subscription.state == SubscriptionState.FAILING and (
        probe_at is None or probe_at > timezone.now()
    )
    return KEEPS_FAILING() if is_open else ""


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
