"""From stored events to their deliveries."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from bots.models import Bot
from core.database.sql import ask
from core.database.text import storable
from events.enums import ACTIVE, DeliveryStatus, EventStatus, SubscriptionKind
from events.handling.ordering import order_key_of, promote
from events.handling.registry import Registration, handlers_of
from events.handling.switches import runs
from events.models import Delivery, Event, Lane, Subscription
from events.notify import notify_pusher
from events.subscriptions.filters import all_hold
from feishu.envelope import CALLBACK_TYPES

logger = logging.getLogger("events.dispatch")


def dispatch_events(bot: Bot, switches: Mapping[str, bool], *, limit: int) -> tuple[int, bool]:
    """Give the ``limit`` oldest waiting events of ``bot`` their deliveries. Returns how many events were taken, and whether one of
    the deliveries queued up behind another, which may have ended by now.

    The caller holds the bot's lane: two dispatchers at once would mix up the order of arrival.
    """
    if limit <= 0 or not _is_any_waiting(bot):
        return 0, False
    events = list(Event.objects.filter(bot=bot, status=EventStatus.RECEIVED).order_by("pk")[:limit])
    plan = _Plan(bot, switches, list(Subscription.objects.collecting(bot)))
    for event in events:
        plan.add(event)
    return len(events), plan.carry_out()


def _is_any_waiting(bot: Bot) -> bool:
    """Most turns of a bot find no new event."""
    return bool(ask("SELECT 1 FROM events_event WHERE bot_id = %s AND status = 'received' LIMIT 1", [bot.pk]))


def is_stale(event: Event, bot: Bot) -> bool:
    """Whether the event reached the portal too late to be acted upon, by the platform's own time. Clicks are never:
    whoever clicked is waiting."""
    if not bot.stale_after_minutes or event.event_type in CALLBACK_TYPES:
        return False
    return event.received_at - event.created_at > timedelta(minutes=bot.stale_after_minutes)


class _Plan:
    """What becomes of a batch of events, written in a few statements."""

    def __init__(self, bot: Bot, switches: Mapping[str, bool], subscriptions: Sequence[Subscription]) -> None:
        self._bot = bot
        self._switches = switches
        self._subscriptions = subscriptions
        self._ended: dict[EventStatus, list[int]] = {}
        self._dispatched: list[int] = []
        self._unreadable: list[tuple[int, str]] = []
        self._deliveries: list[Delivery] = []

    def add(self, event: Event) -> None:
        stale = is_stale(event, self._bot)
        try:
            event.envelope  # noqa: B018 -- what cannot be read stops a receiver that fetches in order
            deliveries = self._late(event) if stale else self._in_time(event)
        except (ValueError, RecursionError) as error:
            # The envelope was read on arrival; what is inside is not what any handler could take.
            self._unreadable.append((event.pk, storable(f"{type(error).__name__}: {error}", 500)))
            return
        self._deliveries += deliveries
        if any(delivery.status != DeliveryStatus.SKIPPED for delivery in deliveries):
            self._dispatched.append(event.pk)
        else:
            status = EventStatus.STALE if stale else EventStatus.IGNORED
            self._ended.setdefault(status, []).append(event.pk)

    def _in_time(self, event: Event) -> list[Delivery]:
        deliveries = deliveries_for(event, handlers_of(event), self._switches)
        return deliveries + [delivery_to(one, event) for one in self._subscriptions if wants(one, event)]

    def _late(self, event: Event) -> list[Delivery]:
        handlers = [handler for handler in handlers_of(event) if handler.even_stale]
        return deliveries_for(event, handlers, self._switches)

    def carry_out(self) -> bool:
        """Write it; whether something queued up."""
        now = timezone.now()
        waiting = Event.objects.filter(status=EventStatus.RECEIVED)
        waiting.filter(pk__in=self._dispatched).update(status=EventStatus.DISPATCHED)
        for status, pks in self._ended.items():
            waiting.filter(pk__in=pks).update(status=status, finished_at=now)
        for pk, error in self._unreadable:
            waiting.filter(pk=pk).update(status=EventStatus.QUARANTINED, finished_at=now, error=error)
        return add_deliveries(self._bot.pk, self._deliveries)


def deliveries_for(
    event: Event, handlers: Iterable[Registration], switches: Mapping[str, bool]
) -> list[Delivery]:
    """The deliveries of one event, not saved yet; a handler that an operator switched off gets one that says so. One
    that is off by itself leaves no row: there would be one for every event that nobody is interested in."""
    deliveries = []
    for handler in handlers:
        if not handler.is_on and handler.name not in switches:
            continue
        delivery = Delivery(event=event, bot_id=event.bot_id, handler=handler.name)
        if runs(handler, switches):
            delivery.order_key = order_key_of(handler, event)
        else:
            delivery.status = DeliveryStatus.SKIPPED
            delivery.finished_at = timezone.now()
        deliveries.append(delivery)
    return deliveries


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
    return Delivery(event=event, bot_id=event.bot_id, handler=subscription.handler, subscription=subscription)


def hold_lanes(bot_ids: Iterable[UUID]) -> None:
    """Hold the lanes of these bots until the transaction ends, so that nobody dispatches or claims for them meanwhile."""
    list(Lane.objects.select_for_update().filter(pk__in=list(bot_ids)).order_by("pk").values_list("pk"))


def add_deliveries(bot_id: UUID, deliveries: Sequence[Delivery]) -> bool:
    """Save new deliveries of one bot, in order; those with a key that is taken queue up behind it. Whether there were such.

    Call it in a transaction that holds the bot's lane.
    """
    keyed = [one for one in deliveries if one.order_key and one.status == DeliveryStatus.PENDING]
    taken = _taken_keys(bot_id, keyed)
    queued: set[str] = set()
    for delivery in keyed:
        if (delivery.handler, delivery.order_key) in taken:
            delivery.status = DeliveryStatus.QUEUED
            queued.add(delivery.order_key)
        taken.add((delivery.handler, delivery.order_key))
    outgoing = [one.subscription for one in deliveries if one.subscription is not None]
    hold_readers(outgoing)
    Delivery.objects.bulk_create(deliveries)
    if outgoing:
        transaction.on_commit(notify_pusher)
    if queued:
        behind = Delivery.objects.filter(bot_id=bot_id, order_key__in=queued)
        transaction.on_commit(partial(promote, behind))
    return bool(queued)


def hold_readers(subscriptions: Iterable[Subscription]) -> None:
    """Hold subscriptions that are read by number until the transaction ends: their deliveries' numbers then become
    visible in order, and a reader that has come to one has missed none before it."""
    pulled = {one.pk for one in subscriptions if one.kind == SubscriptionKind.PULL}
    if pulled:
        rows = Subscription.objects.select_for_update().filter(pk__in=pulled).order_by("pk")
        list(rows.values_list("pk"))


def _taken_keys(bot_id: UUID, keyed: Sequence[Delivery]) -> set[tuple[str, str]]:
    if not keyed:
        return set()
    before = Delivery.objects.filter(
        bot_id=bot_id,
        order_key__in={one.order_key for one in keyed},
        status__in=(*ACTIVE, DeliveryStatus.QUEUED),
    )
    return set(before.order_by().values_list("handler", "order_key").distinct())
