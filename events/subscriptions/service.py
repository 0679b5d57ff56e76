"""What people do with subscriptions, each with its entry in the audit log."""

from collections.abc import Iterable
from datetime import timedelta
from enum import Enum
from typing import Any

from django.db import transaction
from django.utils import timezone

from bots.models import Bot
from core.access import audit
from core.access.actors import Actor
from events.enums import POSTED, DeliveryStatus, SubscriptionState
from events.models import Delivery, Subscription
from events.notify import notify_pusher
from events.subscriptions.http.signatures import new_secret
from events.subscriptions.reach import out_of_reach

SECRET_OVERLAP = timedelta(hours=24)
"""After a rotation, deliveries are signed with the old secret as well for so long."""
MAX_SKIPPED = 10_000
"""Deliveries that are ended at once when bots are taken out of a subscription."""


class Operation(Enum):
    """What an operator can do with a subscription besides editing and removing it."""

    SEND_TEST = "test"
    ROTATE = "rotate"
    PAUSE = "pause"
    RESUME = "resume"
    SWITCH_OFF = "switch-off"


def possible_operations(subscription: Subscription) -> frozenset[Operation]:
    """The operations that make sense in the subscription's kind and state."""
    possible = set()
    if subscription.kind in POSTED:
        possible |= {Operation.SEND_TEST, Operation.ROTATE}
    if subscription.state != SubscriptionState.OFF:
        possible.add(Operation.SWITCH_OFF)
    possible.add(Operation.PAUSE if subscription.state == SubscriptionState.ACTIVE else Operation.RESUME)
    return frozenset(possible)


@transaction.atomic
def add_subscription(subscription: Subscription, *, bots: Iterable[Bot], actor: Actor) -> str:
    """Save a new subscription. Returns its signing secret, which is not shown again; empty for one that is fetched."""
    if subscription.kind in POSTED:
        subscription.secret = new_secret()
    secret = subscription.secret
    subscription.save(force_insert=True)
    subscription.bots.set([] if subscription.all_bots else bots)
    _audit(subscription, "subscription.created", actor, kind=subscription.kind)
    return secret


@transaction.atomic
def change_subscription(
    subscription: Subscription, *, bots: Iterable[Bot], changed: Iterable[str], actor: Actor
) -> None:
    """Save what people may change; ``changed`` are the fields' names for the audit log. Deliveries that wait already go to
    the new address, and are let go where their bot is no longer among the subscription's."""
    fields = ("name", "all_bots", "event_types", "filter", "url", "expand", "per_second")
    before = Subscription.objects.get(pk=subscription.pk)
    subscription.save(update_fields=fields)
    had, has = list(subscription.bots.all()), [] if subscription.all_bots else list(bots)
    subscription.bots.set(has)
    skip_out_of_reach(subscription)
    detail = audit.changes(before, subscription, changed, related={"bots": (had, has)})
    _audit(subscription, "subscription.updated", actor, **detail)


def skip_out_of_reach(subscription: Subscription) -> None:
    """End the first deliveries that wait for bots out of the subscription's reach. Those beyond are neither handed out nor
    pushed, and end with their time."""
    waiting = Delivery.objects.waiting().filter(out_of_reach(subscription)).order_by("pk")
    found = list(waiting.values_list("pk", flat=True)[:MAX_SKIPPED])
    Delivery.objects.waiting().filter(pk__in=found).update(
        status=DeliveryStatus.SKIPPED, finished_at=timezone.now()
    )


@transaction.atomic
def rotate_secret(subscription: Subscription, *, actor: Actor) -> str:
    """Make a new secret, returned once. The old one stays valid beside it for ``SECRET_OVERLAP``."""
    subscription.previous_secret = subscription.secret
    subscription.previous_until = timezone.now() + SECRET_OVERLAP
    secret = new_secret()
    subscription.secret = secret
    subscription.save(update_fields=["secret", "previous_secret", "previous_until"])
    _audit(subscription, "subscription.secret_rotated", actor)
    return secret


def pause(subscription: Subscription, *, actor: Actor) -> None:
    """Deliver nothing, and keep what arrives for later."""
    _change_state(subscription, SubscriptionState.PAUSED, "subscription.paused", actor)


def resume(subscription: Subscription, *, actor: Actor) -> None:
    """Deliver again, whatever had stopped it, beginning with what has waited."""
    with transaction.atomic():
        _change_state(
            subscription, SubscriptionState.ACTIVE, "subscription.resumed", actor, failures=0, probe_at=None
        )
        transaction.on_commit(notify_pusher)


def switch_off(subscription: Subscription, *, actor: Actor) -> None:
    """Deliver nothing and keep nothing of what arrives."""
    _change_state(subscription, SubscriptionState.OFF, "subscription.switched_off", actor)


@transaction.atomic
def remove(subscription: Subscription, *, actor: Actor) -> None:
    """Remove the subscription and destroy its secrets. The sweep ends the deliveries that wait (see ``expiry``)."""
    subscription.secret = subscription.previous_secret = ""
    subscription.removed_at = timezone.now()
    subscription.save(update_fields=["secret", "previous_secret", "removed_at"])
    _change_state(subscription, SubscriptionState.OFF, "subscription.removed", actor)


@transaction.atomic
def _change_state(
    subscription: Subscription, state: SubscriptionState, action: str, actor: Actor, **values: Any
) -> None:
    now = timezone.now()
    Subscription.objects.filter(pk=subscription.pk).update(state=state, state_since=now, **values)
    subscription.state, subscription.state_since = state, now
    _audit(subscription, action, actor)


def _audit(subscription: Subscription, action: str, actor: Actor, **detail: Any) -> None:
    audit.record(
        actor=actor, action=action, target=subscription.name, subscription=str(subscription.pk), **detail
    )
