"""Events as they came, what becomes of each, and what decides when and whether a handler runs."""

from events.models.claims import Claimable, ClaimableQuerySet
from events.models.counts import CountedHour, EventCount, EventCountQuerySet
from events.models.deliveries import Delivery, DeliveryAttempt, DeliveryQuerySet
from events.models.events import Event, EventQuerySet
from events.models.expansions import EventExpansion
from events.models.handler_runs import HandlerAttempt, HandlerRun, HandlerRunQuerySet
from events.models.handling import BotQueue, HandledBot, HandlerSwitch, ShedCount
from events.models.replays import ReplayJob, ReplayJobQuerySet
from events.models.subscriptions import Subscription, SubscriptionQuerySet

__all__ = [
    "BotQueue",
    "Claimable",
    "ClaimableQuerySet",
    "CountedHour",
    "Delivery",
    "DeliveryAttempt",
    "DeliveryQuerySet",
    "Event",
    "EventCount",
    "EventCountQuerySet",
    "EventExpansion",
    "EventQuerySet",
    "HandledBot",
    "HandlerAttempt",
    "HandlerRun",
    "HandlerRunQuerySet",
    "HandlerSwitch",
    "ReplayJob",
    "ReplayJobQuerySet",
    "ShedCount",
    "Subscription",
    "SubscriptionQuerySet",
]
