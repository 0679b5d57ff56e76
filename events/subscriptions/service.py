"""What people do with subscriptions, each with its entry in the audit log."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from bots.models import Bot
from core.access import audit
from core.access.actors import Actor
from events.enums import SubscriptionKind, SubscriptionState
from events.models import Subscription
from events.notify import notify_pusher
from events.subscriptions.http.signatures import new_secret

OVERLAP = timedelta(hours=24)
"""How long deliveries are signed with the old secret as well, after it was replaced."""


@transaction.atomic
def add_subscription(subscription: Subscription, *, bots: Iterable[Bot], actor: Actor) -> str:
    """Save a new subscription; returns its signing secret, which is not shown again, or nothing for one that is fetched."""
    if subscription.kind == SubscriptionKind.PUSH:
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
    """Save what people may change; ``changed`` names it for the audit log. What waits already is sent as it is now."""
    fields = ("name", "all_bots", "event_types", "filter", "url", "per_second")
    subscription.save(update_fields=fields)
    subscription.bots.set([] if subscription.all_bots else bots)
    _audit(subscription, "subscription.updated", actor, changed=sorted(changed))


@transaction.atomic
def rotate_secret(subscription: Subscription, *, actor: Actor) -> str:
    """A new secret, returned once. Deliveries bear signatures of both while the receiver changes over."""
    subscription.previous_secret = subscription.secret
    subscription.previous_until = timezone.now() + OVERLAP
    secret = new_secret()
    subscription.secret = secret
    subscription.save(update_fields=["secret", "previous_secret", "previous_until"])
    _audit(subscription, "subscription.secret_rotated", actor)
    return secret


def pause(subscription: Subscription, *, actor: Actor) -> None:
    """Send nothing, and keep what arrives for later."""
    _set(subscription, SubscriptionState.PAUSED, "subscription.paused", actor)


def resume(subscription: Subscription, *, actor: Actor) -> None:
    """Send again, from what has waited; whatever it was that stopped it."""
    with transaction.atomic():
        _set(subscription, SubscriptionState.ACTIVE, "subscription.resumed", actor, failures=0, probe_at=None)
        transaction.on_commit(notify_pusher)


def switch_off(subscription: Subscription, *, actor: Actor) -> None:
    """Send nothing and keep nothing of what arrives."""
    _set(subscription, SubscriptionState.OFF, "subscription.switched_off", actor)


@transaction.atomic
def remove(subscription: Subscription, *, actor: Actor) -> None:
    """Take the subscription away, its secrets first. What waits for it is ended by the sweep."""
    subscription.secret = subscription.previous_secret = ""
    subscription.removed_at = timezone.now()
    subscription.save(update_fields=["secret", "previous_secret", "removed_at"])
    _set(subscription, SubscriptionState.OFF, "subscription.removed", actor)


@transaction.atomic
def _set(
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
