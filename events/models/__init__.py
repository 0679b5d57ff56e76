"""Events as they came, their deliveries, and what decides when and whether a handler runs."""

from events.models.events import (
    Delivery,
    DeliveryAttempt,
    DeliveryQuerySet,
    Event,
    EventQuerySet,
    ReplayJob,
    ReplayJobQuerySet,
)
from events.models.handling import HandledBot, HandlerSwitch, Lane, LeftOut
from events.models.subscriptions import Subscription, SubscriptionQuerySet

__all__ = [
    "Delivery",
    "DeliveryAttempt",
    "DeliveryQuerySet",
    "Event",
    "EventQuerySet",
    "HandledBot",
    "HandlerSwitch",
    "Lane",
    "LeftOut",
    "ReplayJob",
    "ReplayJobQuerySet",
    "Subscription",
    "SubscriptionQuerySet",
]
