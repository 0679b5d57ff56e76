"""Which subscriptions an event goes to, and saving its deliveries."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from django.db import transaction

from events.enums import SubscriptionKind
from events.models import Delivery, Event, Subscription
from events.notify import notify_pusher
from events.subscriptions.filters import all_hold
from feishu.envelope import CALLBACK_TYPES


def wants(subscription: Subscription, event: Event) -> bool:
    """Whether an event of one of its bots is what the subscription is for. Clicks never are: somebody waits for the
    answer. Raises ValueError for an event that cannot be read."""
    if event.event_type in CALLBACK_TYPES:
        return False
    if not any(fnmatchcase(event.event_type, pattern) for pattern in subscription.event_types):
        return False
    return not subscription.filter or all_hold(subscription.filter, event.envelope)


def delivery_to(subscription: Subscription, event: Event) -> Delivery:
    """The delivery of one event to a subscription, not saved yet."""
    return Delivery(event=event, bot_id=event.bot_id, subscription=subscription)


def add_deliveries(deliveries: Sequence[Delivery]) -> None:
    """Save new deliveries, in order; belongs to a transaction. The workers are notified once it is committed."""
    if not deliveries:
        return
    hold_readers(one.subscription for one in deliveries)
    Delivery.objects.bulk_create(deliveries)
    transaction.on_commit(notify_pusher)


def hold_readers(subscriptions: Iterable[Subscription]) -> None:
    """Hold subscriptions that are read by number until the transaction ends: their deliveries' numbers then become
    visible in order, and a reader that has come to one has missed none before it."""
    pulled = {one.pk for one in subscriptions if one.kind == SubscriptionKind.PULL}
    if pulled:
        rows = Subscription.objects.select_for_update().filter(pk__in=pulled).order_by("pk")
        list(rows.values_list("pk"))
