"""Whose events a subscription may get now: those of its bots that are still its owner's, while the owner may manage them."""

from uuid import UUID

from django.db.models import Q, QuerySet

from bots.models import Bot
from events.models import Delivery, Subscription


def reachable_bots(subscription: Subscription) -> frozenset[UUID]:
    """The bots whose events the subscription may get; none where it has no owner who may manage it."""
    owner = subscription.owner
    if owner is None or not owner.may_manage:
        return frozenset()
    bots = Bot.objects.all() if subscription.all_bots else subscription.bots
    return frozenset(bots.visible_to(owner).values_list("pk", flat=True))


def deliveries_of(subscription: Subscription) -> QuerySet[Delivery]:
    """The subscription's deliveries that its receiver may still get, and its owner may still see."""
    return Delivery.objects.filter(subscription=subscription, bot__in=reachable_bots(subscription))


def out_of_reach(subscription: Subscription) -> Q:
    """Deliveries of the subscription that a change of bots or owners has put out of its reach."""
    return Q(subscription=subscription) & ~Q(bot__in=reachable_bots(subscription))
