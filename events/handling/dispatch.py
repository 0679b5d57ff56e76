"""From stored events to their handler runs and deliveries.

What goes wrong with one event, one registration or one filter costs that alone: an event that cannot be dispatched is
quarantined with its error, a handler or subscription whose conditions raise gets a dead row of its own that says so.
"""

import logging
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from bots.models import Bot
from core.database.sql import ask
from core.database.text import storable
from events.enums import ACTIVE_RUNS, EventStatus, RunFailure, RunStatus
from events.handling.ordering import order_key_of, promote
from events.handling.registry import Registration, handlers_of
from events.handling.switches import is_switched_on, switches_of
from events.log.fingerprints import fingerprint
from events.models import BotQueue, Delivery, Event, HandlerRun, Subscription
from events.subscriptions.fan_out import add_deliveries, deliveries_for
from feishu.envelope import CALLBACK_TYPES

logger = logging.getLogger(__name__)

MAX_ERROR = 500  # characters, as in the column of an event


@dataclass(slots=True)
class Plan:
    """What becomes of one event; nothing of it is written yet."""

    event: Event
    status: EventStatus
    error: str = ""
    runs: Sequence[HandlerRun] = ()
    deliveries: Sequence[Delivery] = ()


@dataclass(frozen=True, slots=True)
class Dispatched:
    """How many events were dispatched; ``is_queued``: a run queued up behind another, which may have ended by now."""

    events: int = 0
    is_queued: bool = False


def dispatch_events(bot: Bot, switches: Mapping[str, bool], *, most: int) -> Dispatched:
    """Give the oldest waiting events of ``bot``, up to ``most``, their handler runs and deliveries.

    The caller holds the bot's queue in a transaction: two dispatchers at once would mix up the order of arrival.
    """
    # In most rounds a bot has no new event.
    if most <= 0 or not ask(
        "SELECT 1 FROM events_event WHERE bot_id = %s AND status = 'received' LIMIT 1", [bot.pk]
    ):
        return Dispatched()
    events = Event.objects.filter(bot=bot, status=EventStatus.RECEIVED).order_by("pk")[:most]
    subscriptions = list(Subscription.objects.collecting(bot))
    plans = [plan(event, bot, switches, subscriptions) for event in events]
    return Dispatched(len(plans), _write(bot, plans))


def dispatch_one_by_one(bot_id: UUID, *, most: int) -> None:
    """Dispatch the bot's waiting events, each in a transaction of its own, and quarantine those that cannot be.

    For a bot whose events could not be dispatched together: usually one of them is at fault. Raises InterfaceError or
    OperationalError when it is the database.
    """
    waiting = Event.objects.filter(bot=bot_id, status=EventStatus.RECEIVED)
    for pk in list(waiting.order_by("pk").values_list("pk", flat=True)[:most]):
        try:
            with transaction.atomic():
                if not hold_queues([bot_id], skip_locked=True):
                    return  # another process is dispatching its events
                event = waiting.select_related("bot").get(pk=pk)
                subscriptions = list(Subscription.objects.collecting(event.bot))
                _write(event.bot, [plan(event, event.bot, switches_of(bot_id), subscriptions)])
        except (InterfaceError, OperationalError):
            raise
        except Exception as error:
            logger.exception("event_not_dispatched", extra={"event_pk": pk})
            waiting.filter(pk=pk).update(
                status=EventStatus.QUARANTINED, finished_at=timezone.now(), error=_summary(error)
            )


def plan(event: Event, bot: Bot, switches: Mapping[str, bool], subscriptions: Sequence[Subscription]) -> Plan:
    """Which handlers run and which subscriptions get the event. Raises nothing."""
    try:
        # Read whole, because what cannot be read would stop a receiver that fetches in order.
        event.data  # noqa: B018 -- for what it raises
        stale = is_stale(event, bot)
        errors: dict[str, Exception] = {}
        handlers = [one for one in handlers_of(event, errors) if one.even_stale or not stale]
        # One that is off by itself leaves no row: there would be one for every event that nobody is interested in.
        runs = [
            run_of(event, one, is_on=is_switched_on(one, switches), error=errors.get(one.name))
            for one in handlers
            if one.is_on or one.name in switches
        ]
        deliveries = [] if stale else deliveries_for(event, subscriptions)
    except (ValueError, RecursionError) as error:
        # The envelope was read on arrival; what is inside is not what any handler could take.
        return Plan(event, EventStatus.QUARANTINED, _summary(error))
    except Exception as error:
        logger.exception("event_not_dispatched", extra={"event_pk": event.pk})
        return Plan(event, EventStatus.QUARANTINED, _summary(error))
    if any(run.status == RunStatus.PENDING for run in runs):
        status = EventStatus.DISPATCHED
    elif any(run.status == RunStatus.DEAD for run in runs):
        status = EventStatus.DEAD
    elif deliveries:
        status = EventStatus.DONE
    else:
        status = EventStatus.STALE if stale else EventStatus.IGNORED
    return Plan(event, status, runs=runs, deliveries=deliveries)


def is_stale(event: Event, bot: Bot) -> bool:
    """Whether the event reached the portal too late to be acted upon, by the platform's own time. Clicks are never:
    whoever clicked is waiting."""
    if not bot.stale_after_minutes or event.event_type in CALLBACK_TYPES:
        return False
    return event.received_at - event.created_at > timedelta(minutes=bot.stale_after_minutes)


def run_of(
    event: Event, handler: Registration, *, is_on: bool = True, error: Exception | None = None
) -> HandlerRun:
    """The run of a handler for an event, not saved yet: pending, skipped where an operator switched it off, or dead with
    the error that checking its registration raised."""
    run = HandlerRun(event=event, bot_id=event.bot_id, handler=handler.name)
    if error is not None:
        text = "".join(traceback.format_exception(error))
        run.status, run.failure = RunStatus.DEAD, RunFailure.MISREGISTERED
        run.error, run.fingerprint = storable(text, len(text)), fingerprint(text)
        run.finished_at = timezone.now()
    elif is_on:
        run.order_key = order_key_of(handler, event)
    else:
        run.status, run.finished_at = RunStatus.SKIPPED, timezone.now()
    return run


def _write(bot: Bot, plans: Sequence[Plan]) -> bool:
    """Write plans of one bot in a few statements, in the caller's transaction; whether a run queued up."""
    waiting, now = Event.objects.filter(status=EventStatus.RECEIVED), timezone.now()
    by_status: dict[EventStatus, list[int]] = {}
    for one in plans:
        if one.status == EventStatus.QUARANTINED:
            waiting.filter(pk=one.event.pk).update(status=one.status, finished_at=now, error=one.error)
        else:
            by_status.setdefault(one.status, []).append(one.event.pk)
    for status, pks in by_status.items():
        finished_at = None if status == EventStatus.DISPATCHED else now
        waiting.filter(pk__in=pks).update(status=status, finished_at=finished_at)
    add_deliveries([delivery for one in plans for delivery in one.deliveries])
    return add_runs(bot.pk, [run for one in plans for run in one.runs])


def hold_queues(bot_ids: Iterable[UUID], *, skip_locked: bool = False) -> bool:
    """Hold the queues of these bots until the transaction ends, so that nobody dispatches or claims for them meanwhile.
    ``skip_locked``: those that another process holds are left to it; whether there are any that are held."""
    queues = BotQueue.objects.select_for_update(skip_locked=skip_locked).filter(pk__in=list(bot_ids))
    return bool(queues.order_by("pk").values_list("pk", flat=True))


def add_runs(bot_id: UUID, runs: Sequence[HandlerRun]) -> bool:
    """Save new handler runs of one bot, in order; those with a key that is taken queue up behind it. Whether there were
    such.

    Call it in a transaction that holds the bot's queue.
    """
    keyed = [run for run in runs if run.order_key and run.status == RunStatus.PENDING]
    taken: set[tuple[str, str]] = set()
    if keyed:
        before = HandlerRun.objects.filter(
            bot_id=bot_id,
            order_key__in={run.order_key for run in keyed},
            status__in=(*ACTIVE_RUNS, RunStatus.QUEUED),
        )
        taken = set(before.order_by().values_list("handler", "order_key").distinct())
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


def _summary(error: Exception) -> str:
    return storable(f"{type(error).__name__}: {error}", MAX_ERROR)
