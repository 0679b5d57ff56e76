"""From stored events to their handler runs and deliveries.

What goes wrong with one event, one registration or one filter costs that alone: an event that cannot be dispatched is
quarantined with its error, a handler or subscription whose conditions raise gets a dead row of its own that says so.
"""

import logging
import traceback
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from operator import attrgetter
from typing import Self, TypeAlias
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from bots.models import Bot
from core.database.clock import from_now
from core.database.sql import any_of, ask, ask_at_once, insert, marks, uuid_of, with_rows
from core.database.sql import run as execute
from core.database.text import storable
from events.clicks.records import end_asked
from events.enums import COLLECTING, DeliveryStatus, EventStatus, RunFailure, RunStatus
from events.handling.claims import Batches
from events.handling.ordering import order_key_of, promote
from events.handling.registry import Registration, handlers_of
from events.handling.switches import is_switched_on, switches_of
from events.log.fingerprints import fingerprint
from events.models import BotQueue, Delivery, Event, HandlerRun, Subscription
from events.models.claims import LEASE
from events.subscriptions.fan_out import add_deliveries, deliveries_for
from feishu.callbacks import is_callback

logger = logging.getLogger(__name__)

MAX_ERROR = 500  # characters, as in the column of an event
SQLITE_ROWS = 200  # a row has 15 parameters, SQLite takes 32,766
MIN_SHARE = 8  # events of one bot in a round, however many bots wait


@dataclass(slots=True)
class Plan:
    """What becomes of one event; nothing of it is written yet."""

    event: Event
    status: EventStatus
    error: str = ""
    runs: Sequence[HandlerRun] = ()
    deliveries: Sequence[Delivery] = ()


@dataclass(slots=True)
class Dispatched:
    """How many events were dispatched. ``started``: runs claimed as they were made, by bot; ``unserved``: bots whose runs
    wait because no place was left for them; ``is_full``: a run waits for a place; ``is_more``: a bot had more than its
    share, or a run queued up behind another, which may have ended by now."""

    events: int = 0
    started: Counter[UUID] = field(default_factory=Counter)
    unserved: set[UUID] = field(default_factory=set)
    is_full: bool = False
    is_more: bool = False


@dataclass(frozen=True, slots=True)
class Plans:
    """What becomes of the oldest waiting events of some bots. ``share``: how many of one bot were looked at."""

    each: Sequence[Plan] = ()
    share: int = 0

    def still_waiting(self) -> Self:
        """Without the events that another process has dispatched since they were looked at."""
        condition, values = any_of([one.event.pk for one in self.each])
        select = f"SELECT id FROM events_event WHERE id {condition} AND status = 'received'"  # noqa: S608 -- constants
        waiting = {pk for (pk,) in ask_at_once(select, values, ("id",))}
        return replace(self, each=[one for one in self.each if one.event.pk in waiting])


def plan_events(bots: Sequence[Bot], switches: Mapping[UUID, Mapping[str, bool]], *, most: int) -> Plans:
    """Look at the oldest waiting events of these bots, about ``most`` in all. Writes nothing."""
    share = max(MIN_SHARE, most // max(1, len(bots)))
    events = _waiting_events(bots, share)
    subscriptions = _subscriptions_of(events)
    plans = [plan(one, one.bot, switches[one.bot_id], subscriptions[_audience(one)]) for one in events]
    return Plans(plans, share)


def dispatch_events(
    planned: Plans,
    *,
    batches: Batches,
    most_places: int,
    allowed: Mapping[UUID, int],
) -> Dispatched:
    """Give events their handler runs and deliveries as planned. Runs are claimed as they are made, ``allowed`` of each bot,
    as far as there are places: ``most_places`` more, shared by the bots.

    The caller holds the bots' queues in a transaction: two dispatchers at once would mix up the order of arrival.
    """
    if not planned.each:
        return Dispatched()
    _write_events(planned.each)
    runs = [run for one in planned.each for run in one.runs]
    is_queued = queue_up(runs)
    result = Dispatched(len(planned.each))
    of_each = Counter(one.event.bot_id for one in planned.each)
    result.is_more = is_queued or max(of_each.values()) >= planned.share
    _take_places(runs, batches, most_places, allowed, result)
    insert_runs(runs)
    return result


def _take_places(
    runs: Sequence[HandlerRun],
    batches: Batches,
    most_places: int,
    allowed: Mapping[UUID, int],
    result: Dispatched,
) -> None:
    """Claim new runs for which there is a place, each bot its share."""
    waiting: dict[UUID, list[HandlerRun]] = {}
    for run in runs:
        if run.status == RunStatus.PENDING:
            waiting.setdefault(run.bot_id, []).append(run)
    before = batches.places
    for number, (bot_id, own) in enumerate(waiting.items()):
        left = most_places - (batches.places - before)
        share, taken = -(-left // (len(waiting) - number)), batches.places
        for run in own:
            if result.started[bot_id] >= allowed.get(bot_id, 0):
                break
            batch = batches.take((bot_id, run.handler), may_open=batches.places - taken < share)
            if batch is None:
                result.is_full = True
            else:
                batch.runs.append(run)
                result.started[bot_id] += 1
        if not left and not result.started[bot_id]:
            result.unserved.add(bot_id)
    batches.claim_new()


def _waiting_events(bots: Sequence[Bot], share: int) -> list[Event]:
    """The oldest waiting events of each bot, up to its share, with their bots."""
    by_id = {bot.pk: bot for bot in bots}
    if connection.vendor == "postgresql":
        rows = ask(
            "SELECT waiting.id FROM unnest(%s::uuid[]) AS wanted (bot_id) CROSS JOIN LATERAL (SELECT id FROM events_event"
            " WHERE bot_id = wanted.bot_id AND status = 'received' ORDER BY bot_id, id LIMIT %s) AS waiting",
            [list(by_id), share],
        )
    else:
        one_bot = "SELECT id FROM events_event WHERE bot_id = %s AND status = 'received' ORDER BY bot_id, id LIMIT %s"
        rows = [row for bot_id in by_id for row in ask(one_bot, [bot_id, share])]
    if not rows:
        return []
    events = list(Event.objects.filter(pk__in=[pk for (pk,) in rows]).order_by("pk"))
    for event in events:
        event.bot = by_id[event.bot_id]
    return events


_Audience: TypeAlias = tuple[UUID, bool]


def _audience(event: Event) -> _Audience:
    """Its bot, and whether it is a callback: equal for events that the same subscriptions may get."""
    return event.bot_id, is_callback(event.event_type)


_COLLECTING_ONE = (
    "SELECT 1 FROM events_subscription WHERE removed_at IS NULL AND kind <> 'answer'"  # noqa: S608 -- constants
    f" AND state IN ({marks(COLLECTING)}) LIMIT 1"
)


def _subscriptions_of(events: Sequence[Event]) -> dict[_Audience, list[Subscription]]:
    """The subscriptions that may get these events; most installations have none that collects."""
    bots = {_audience(event): event.bot for event in events}
    is_any = not all(waits for _bot_id, waits in bots) and bool(ask(_COLLECTING_ONE, COLLECTING))
    return {
        (bot_id, waits): _subscriptions_for(bot, waits=waits) if waits or is_any else []
        for (bot_id, waits), bot in bots.items()
    }


def _subscriptions_for(bot: Bot, *, waits: bool) -> list[Subscription]:
    """Of a callback, which ``waits``: those that answer it."""
    rows = Subscription.objects
    return list(rows.answering(bot) if waits else rows.collecting(bot))


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
                subscriptions = _subscriptions_for(event.bot, waits=is_callback(event.event_type))
                one = plan(event, event.bot, switches_of(bot_id), subscriptions)
                _write_events([one])
                queue_up(one.runs)
                insert_runs(one.runs)
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
        waits = is_callback(event.event_type)
        is_handled = any(run.status == RunStatus.PENDING for run in runs)
        deliveries = [] if stale or (waits and is_handled) else deliveries_for(event, subscriptions)
        if waits and deliveries:
            runs = []  # of a handler that is off
    except (ValueError, RecursionError) as error:
        # The envelope was read on arrival; what is inside is not what any handler could take.
        return Plan(event, EventStatus.QUARANTINED, _summary(error))
    except Exception as error:
        logger.exception("event_not_dispatched", extra={"event_pk": event.pk})
        return Plan(event, EventStatus.QUARANTINED, _summary(error))
    if is_handled or (waits and deliveries):
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
    if not bot.stale_after_minutes or is_callback(event.event_type):
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


def _write_events(plans: Sequence[Plan]) -> None:
    """Write what becomes of the events, and their deliveries, in the caller's transaction."""
    waiting, now = Event.objects.filter(status=EventStatus.RECEIVED), timezone.now()
    by_status: dict[EventStatus, list[int]] = {}
    for one in plans:
        if one.status == EventStatus.QUARANTINED:
            waiting.filter(pk=one.event.pk).update(status=one.status, finished_at=now, error=one.error)
        else:
            by_status.setdefault(one.status, []).append(one.event.pk)
    for status, pks in by_status.items():
        condition, values = any_of(pks)
        finished_at = None if status == EventStatus.DISPATCHED else now
        execute(
            f"UPDATE events_event SET status = %s, finished_at = %s WHERE id {condition} AND status = 'received'",  # noqa: S608 -- constants
            [status.value, finished_at, *values],
        )
    deliveries = [delivery for one in plans for delivery in one.deliveries]
    add_deliveries(deliveries)
    for delivery in deliveries:
        if delivery.status == DeliveryStatus.DEAD and is_callback(delivery.event.event_type):
            end_asked(delivery.event, answered=False)


def hold_queues(bot_ids: Iterable[UUID], *, skip_locked: bool = False) -> bool:
    """Hold the queues of these bots until the transaction ends, so that nobody dispatches or claims for them meanwhile.
    ``skip_locked``: those that another process holds are left to it; whether there are any that are held."""
    queues = BotQueue.objects.select_for_update(skip_locked=skip_locked).filter(pk__in=list(bot_ids))
    return bool(queues.order_by("pk").values_list("pk", flat=True))


def queue_up(runs: Sequence[HandlerRun]) -> bool:
    """Of new runs, let those queue up whose key is taken, in order; whether there are such.

    Call it in a transaction that holds the queues of their bots, before ``insert_runs``.
    """
    keyed = [run for run in runs if run.order_key and run.status == RunStatus.PENDING]
    if not keyed:
        return False
    taken, queued = _taken_keys(keyed), set()
    for run in keyed:
        key = (run.bot_id, run.handler, run.order_key)
        if key in taken:
            run.status = RunStatus.QUEUED
            queued.add(run.order_key)
        taken.add(key)
    if queued:
        behind = HandlerRun.objects.filter(bot_id__in={run.bot_id for run in keyed}, order_key__in=queued)
        transaction.on_commit(partial(promote, behind))
    return bool(queued)


def _taken_keys(runs: Sequence[HandlerRun]) -> set[tuple[UUID, str, str]]:
    """Bot, handler and order key of what is under way or queued, of these runs' bots, handlers and keys.

    The conditions are those of ``run_one_at_a_time`` and ``run_queued``, word by word: else SQLite reads the whole table.
    """
    conditions, values = [], list[object]()
    for column in ("bot_id", "handler", "order_key"):
        condition, several = any_of(list({getattr(run, column) for run in runs}))
        conditions.append(f"{column} {condition}")
        values += several
    of_these = f"SELECT bot_id, handler, order_key FROM events_handlerrun WHERE {' AND '.join(conditions)}"  # noqa: S608 -- constants
    rows = ask(
        f"{of_these} AND status IN ('pending', 'running', 'retrying') AND NOT (order_key = '')"
        f" UNION ALL {of_these} AND status = 'queued'",
        [*values, *values],
    )
    return {(uuid_of(bot_id), handler, key) for bot_id, handler, key in rows}


_COLUMNS = {
    "event_id": "int8", "bot_id": "uuid", "handler": "text", "order_key": "text", "round": "int2", "replay_id": "int8",
    "attempts": "int2", "run_at": "timestamptz", "claim_id": "uuid", "started_at": "timestamptz",
    "finished_at": "timestamptz", "error": "text", "fingerprint": "text",
}  # fmt: skip
_CHOICES = {"status": "text", "failure": "text"}
_values_of = attrgetter(*_COLUMNS)


def insert_runs(runs: Sequence[HandlerRun]) -> None:
    """Insert new runs; each gets its primary key. Those that are claimed already get their lease."""
    if not runs:
        return
    columns = _COLUMNS | _CHOICES
    names = ", ".join(columns)
    at_once = len(runs) if connection.vendor == "postgresql" else SQLITE_ROWS
    for start in range(0, len(runs), at_once):
        part = runs[start : start + at_once]
        rows = [(*_values_of(run), str(run.status), str(run.failure)) for run in part]
        given, values = with_rows(columns, rows, "given")
        lease, seconds = from_now(LEASE.total_seconds())
        inserted = insert(
            f"WITH {given} INSERT INTO events_handlerrun ({names}, is_current, lease_until)"  # noqa: S608 -- constants
            f" SELECT {names}, true, CASE status WHEN 'running' THEN {lease} END FROM given",
            [*values, seconds],
            table="events_handlerrun",
            returning=("id", "event_id", "handler"),
        )
        pks = {(event_id, handler): pk for pk, event_id, handler in inserted}
        for run in part:
            run.pk = pks[run.event_id, run.handler]
            run._state.adding = False


def _summary(error: Exception) -> str:
    return storable(f"{type(error).__name__}: {error}", MAX_ERROR)
