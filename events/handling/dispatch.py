"""From stored events to their handler runs and deliveries."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from bots.models import Bot
from core.database.sql import ask
from core.database.text import storable
from events.enums import ACTIVE_RUNS, EventStatus, RunStatus
from events.handling.ordering import order_key_of, promote
from events.handling.registry import Registration, handlers_of
from events.handling.switches import runs
from events.models import BotQueue, Delivery, Event, HandlerRun, Subscription
from events.subscriptions.fan_out import add_deliveries, delivery_to, wants
from feishu.envelope import CALLBACK_TYPES

logger = logging.getLogger("events.dispatch")


def dispatch_events(bot: Bot, switches: Mapping[str, bool], *, limit: int) -> tuple[int, bool]:
    """Give the ``limit`` oldest waiting events of ``bot`` their handler runs and deliveries. Returns how many events
    were taken, and whether one of the runs queued up behind another, which may have ended by now.

    The caller holds the bot's queue: two dispatchers at once would mix up the order of arrival.
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
        self._runs: list[HandlerRun] = []
        self._deliveries: list[Delivery] = []

    def add(self, event: Event) -> None:
        stale = is_stale(event, self._bot)
        try:
            event.envelope  # noqa: B018 -- what cannot be read stops a receiver that fetches in order
            handlers = [handler for handler in handlers_of(event) if handler.even_stale or not stale]
            runs = runs_for(event, handlers, self._switches)
            receivers = [] if stale else [one for one in self._subscriptions if wants(one, event)]
        except (ValueError, RecursionError) as error:
            # The envelope was read on arrival; what is inside is not what any handler could take.
            self._unreadable.append((event.pk, storable(f"{type(error).__name__}: {error}", 500)))
            return
        self._runs += runs
        self._deliveries += [delivery_to(one, event) for one in receivers]
        if any(run.status != RunStatus.SKIPPED for run in runs):
            self._dispatched.append(event.pk)
        else:
            nobody = EventStatus.STALE if stale else EventStatus.IGNORED
            self._ended.setdefault(EventStatus.DONE if receivers else nobody, []).append(event.pk)

    def carry_out(self) -> bool:
        """Write it; whether something queued up."""
        now = timezone.now()
        waiting = Event.objects.filter(status=EventStatus.RECEIVED)
        waiting.filter(pk__in=self._dispatched).update(status=EventStatus.DISPATCHED)
        for status, pks in self._ended.items():
            waiting.filter(pk__in=pks).update(status=status, finished_at=now)
        for pk, error in self._unreadable:
            waiting.filter(pk=pk).update(status=EventStatus.QUARANTINED, finished_at=now, error=error)
        add_deliveries(self._deliveries)
        return add_runs(self._bot.pk, self._runs)


def runs_for(
    event: Event, handlers: Iterable[Registration], switches: Mapping[str, bool]
) -> list[HandlerRun]:
    """The handler runs of one event, not saved yet; a handler that an operator switched off gets one that says so. One
    that is off by itself leaves no row: there would be one for every event that nobody is interested in."""
    made = []
    for handler in handlers:
        if not handler.is_on and handler.name not in switches:
            continue
        run = HandlerRun(event=event, bot_id=event.bot_id, handler=handler.name)
        if runs(handler, switches):
            run.order_key = order_key_of(handler, event)
        else:
            run.status = RunStatus.SKIPPED
            run.finished_at = timezone.now()
        made.append(run)
    return made


def hold_queues(bot_ids: Iterable[UUID]) -> None:
    """Hold the queues of these bots until the transaction ends, so that nobody dispatches or claims for them meanwhile."""
    list(BotQueue.objects.select_for_update().filter(pk__in=list(bot_ids)).order_by("pk").values_list("pk"))


def add_runs(bot_id: UUID, runs: Sequence[HandlerRun]) -> bool:
    """Save new handler runs of one bot, in order; those with a key that is taken queue up behind it. Whether there were such.

    Call it in a transaction that holds the bot's queue.
    """
    keyed = [run for run in runs if run.order_key and run.status == RunStatus.PENDING]
    taken = _taken_keys(bot_id, keyed)
    queued: set[str] = set()
    for run in keyed:
        if (run.handler, run.order_key) in taken:
            run.status = RunStatus.QUEUED
            queued.add(run.order_key)
        taken.add((run.handler, run.order_key))
    HandlerRun.objects.bulk_create(runs)
    if queued:
        behind = HandlerRun.objects.filter(bot_id=bot_id, order_key__in=queued)
        transaction.on_commit(partial(promote, behind))
    return bool(queued)


def _taken_keys(bot_id: UUID, keyed: Sequence[HandlerRun]) -> set[tuple[str, str]]:
    if not keyed:
        return set()
    before = HandlerRun.objects.filter(
        bot_id=bot_id,
        order_key__in={one.order_key for one in keyed},
        status__in=(*ACTIVE_RUNS, RunStatus.QUEUED),
    )
    return set(before.order_by().values_list("handler", "order_key").distinct())
