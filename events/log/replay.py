"""Handling events again: one, some, or all that a filter matches, at a rate, by handlers that failed or by all.

A replay is a row that somebody advances step by step: a worker at every sweep, or a command. Nothing is lost when one of
them dies between two steps, and nothing is done twice when two advance the same row: the step that moves the cursor is
the step that counts.
"""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from bots.models import Bot
from core.access import audit
from core.access.actors import Actor
from core.database.counts import BoundedCount
from events.enums import (
    ENDED_DELIVERIES,
    ENDED_RUNS,
    DeliveryStatus,
    EventStatus,
    ReplayMode,
    ReplayState,
    RunStatus,
)
from events.errors import SearchTooSlowError
from events.handling.dispatch import add_runs, hold_queues
from events.handling.ordering import order_key_of
from events.handling.registry import Registration, handler_named, handlers_of
from events.log.criteria import EventCriteria
from events.log.search import count_matching, oldest
from events.models import Delivery, Event, HandlerRun, ReplayJob, Subscription
from events.notify import notify_worker
from events.subscriptions.fan_out import add_deliveries, delivery_to, wants
from feishu.envelope import CALLBACK_TYPES

logger = logging.getLogger("events.replay")

MAX_EXPECTED = 10_000  # events counted before a replay begins
MAX_SELECTED = 1_000  # events named one by one
DEFAULT_RATE = 20  # events a second
MAX_RATE = 1_000
STEP = 100  # events in one transaction
BURST = timedelta(seconds=10)  # of the rate that may be made up for after a pause
JOBS_IN_A_SWEEP = 20
SWEEP_BUDGET = 3.0  # seconds


class Progress(Enum):
    """What a step came to."""

    MOVED = "moved"
    WAITING = "waiting"
    """The rate allows no more yet, or somebody else is at it."""
    ENDED = "ended"


def estimate(criteria: EventCriteria) -> BoundedCount:
    """The dry run: counts the matching events, up to ``MAX_EXPECTED``. Raises SearchTooSlowError."""
    return count_matching(criteria, most=MAX_EXPECTED)


def start_replay(
    *,
    criteria: EventCriteria,
    mode: ReplayMode,
    actor: Actor,
    handlers: Sequence[str] = (),
    subscriptions: Sequence[str] = (),
    rate: int = DEFAULT_RATE,
) -> ReplayJob:
    """Write the replay down; the next sweep begins it. Events that arrive later are not part of it.

    ``handlers`` (names) and ``subscriptions`` (IDs) narrow it to those; without either it is for all. Raises
    SearchTooSlowError.
    """
    expected = estimate(criteria)
    last = Event.objects.aggregate(last=Max("pk"))["last"] or 0
    # What lies behind the cursor may be pruned: it begins as far ahead as it can.
    first = oldest(criteria, last=last, limit=1)
    cursor = first.pks[0] - 1 if first.pks else first.cursor or last
    with transaction.atomic():
        job = ReplayJob.objects.create(
            requested_by=str(actor)[:200],
            criteria=criteria.as_json(),
            mode=mode,
            handlers=list(handlers),
            subscriptions=list(subscriptions),
            rate=max(1, min(rate, MAX_RATE)),
            cursor=cursor,
            last=last,
            expected=expected.count,
            is_expected_bounded=expected.is_more,
        )
        _audit(
            job,
            "replay.started",
            actor,
            expected=str(expected),
            mode=mode,
            rate=job.rate,
            filter=job.criteria,
        )
    return job


def cancel_replay(job: ReplayJob, *, actor: Actor) -> bool:
    """Stop before the next step; what was replayed stays so. False if it had already ended."""
    with transaction.atomic():
        if (
            not ReplayJob.objects.open()
            .filter(pk=job.pk)
            .update(state=ReplayState.CANCELLED, finished_at=timezone.now())
        ):
            return False
        _audit(job, "replay.cancelled", actor)
    return True


def sweep_replays() -> None:
    """Advance every open replay as far as its rate and a few seconds allow."""
    for job in ReplayJob.objects.open().order_by("stepped_at", "pk")[:JOBS_IN_A_SWEEP]:
        advance(job, seconds=SWEEP_BUDGET)


def advance(job: ReplayJob, *, seconds: float) -> Progress:
    """Step until the rate, the time or the replay is at its end; an error is noted on the row and tried again later."""
    deadline = time.monotonic() + seconds
    progress = Progress.MOVED
    while progress is Progress.MOVED and time.monotonic() < deadline:
        try:
            progress = step(job)
        except SearchTooSlowError:
            ReplayJob.objects.filter(pk=job.pk).update(error="The search for the next events took too long.")
            return Progress.WAITING
        except Exception as error:
            logger.exception("replay_failed", extra={"replay": job.pk})
            ReplayJob.objects.filter(pk=job.pk).update(error=f"{type(error).__name__}: {error}"[:500])
            return Progress.WAITING
    return progress


def step(job: ReplayJob) -> Progress:
    """Replay the next few events. Raises SearchTooSlowError, and whatever the database raises."""
    job.refresh_from_db()
    if not job.is_open:
        return Progress.ENDED
    now = timezone.now()
    since = max(job.stepped_at or now - timedelta(seconds=1), now - BURST)
    allowed = int((now - since).total_seconds() * job.rate)
    if allowed < 1:
        return Progress.WAITING
    found = oldest(
        EventCriteria.from_json(job.criteria), after=job.cursor, last=job.last, limit=min(allowed, STEP)
    )
    with transaction.atomic():
        if not _move(job, found.cursor, since + timedelta(seconds=len(found.pks) / job.rate)):
            return Progress.WAITING
        replayed = _replay(found.pks, job)
        ReplayJob.objects.filter(pk=job.pk).update(
            replayed=F("replayed") + replayed, skipped=F("skipped") + len(found.pks) - replayed, error=""
        )
        if replayed:
            transaction.on_commit(notify_worker)
    return Progress.ENDED if found.cursor is None else Progress.MOVED


def _move(job: ReplayJob, cursor: int | None, stepped_at: datetime) -> bool:
    """Go on to ``cursor``, None being the end. The row count decides whose step it is, and the row stays locked."""
    mine = ReplayJob.objects.open().filter(pk=job.pk, cursor=job.cursor)
    if cursor is None:
        return bool(
            mine.update(
                cursor=job.last, state=ReplayState.DONE, stepped_at=stepped_at, finished_at=timezone.now()
            )
        )
    return bool(mine.update(cursor=cursor, state=ReplayState.RUNNING, stepped_at=stepped_at))


def _replay(event_pks: Sequence[int], job: ReplayJob) -> int:
    """New handler runs and deliveries in the place of the chosen ones; returns the number of events that got any."""
    hold_queues(Event.objects.filter(pk__in=event_pks).order_by().values_list("bot_id", flat=True).distinct())
    rows = Event.objects.select_for_update().filter(pk__in=event_pks).order_by("pk")
    events = [event for event in rows if _is_replayable(event)]
    rerun = _rerun(events, job)
    resent = _resend(events, job)
    Event.objects.filter(pk__in=rerun).update(status=EventStatus.DISPATCHED, finished_at=None)
    # These ended without a receiver; they have one now.
    unhandled = Event.objects.filter(status__in=(EventStatus.IGNORED, EventStatus.STALE))
    unhandled.filter(pk__in=resent - rerun).update(status=EventStatus.DONE)
    return len(rerun | resent)


def _rerun(events: Sequence[Event], job: ReplayJob) -> set[int]:
    """Run the chosen handlers again; the events for which there are any."""
    if job.subscriptions and not job.handlers:
        return set()
    current: dict[int, dict[str, HandlerRun]] = {event.pk: {} for event in events}
    for run in HandlerRun.objects.filter(event_id__in=current, is_current=True):
        current[run.event_id][run.handler] = run
    new: list[HandlerRun] = []
    for event in events:
        for handler in _handlers(event, current[event.pk], job):
            old = current[event.pk].get(handler.name)
            new.append(
                HandlerRun(
                    event=event,
                    bot_id=event.bot_id,
                    handler=handler.name,
                    order_key=order_key_of(handler, event),
                    replay=job,
                    round=old.round + 1 if old else 0,
                )
            )
    replaced = [old.pk for run in new if (old := current[run.event_id].get(run.handler))]
    HandlerRun.objects.filter(pk__in=replaced).update(is_current=False)
    for bot_id in {run.bot_id for run in new}:
        add_runs(bot_id, [run for run in new if run.bot_id == bot_id])
    return {run.event_id for run in new}


def _resend(events: Sequence[Event], job: ReplayJob) -> set[int]:
    """Deliver to the chosen subscriptions again; the events for which there are any."""
    if job.handlers and not job.subscriptions:
        return set()
    current: dict[int, dict[UUID, Delivery]] = {event.pk: {} for event in events}
    for delivery in Delivery.objects.filter(event_id__in=current, is_current=True):
        current[delivery.event_id][delivery.subscription_id] = delivery
    collecting = _subscriptions({event.bot_id for event in events})
    new: list[Delivery] = []
    for event in events:
        for subscription in _receivers(event, current[event.pk], collecting[event.bot_id], job):
            delivery, old = delivery_to(subscription, event), current[event.pk].get(subscription.pk)
            delivery.replay, delivery.round = job, old.round + 1 if old else 0
            new.append(delivery)
    replaced = [old.pk for one in new if (old := current[one.event_id].get(one.subscription_id))]
    Delivery.objects.filter(pk__in=replaced).update(is_current=False)
    add_deliveries(new)
    return {one.event_id for one in new}


def _subscriptions(bot_ids: Iterable[UUID]) -> dict[UUID, list[Subscription]]:
    bots = Bot.objects.in_bulk(list(bot_ids))
    return {bot_id: list(Subscription.objects.collecting(bots[bot_id])) for bot_id in bots}


def _is_replayable(event: Event) -> bool:
    return (
        event.status not in {EventStatus.RECEIVED, EventStatus.QUARANTINED}
        and event.event_type not in CALLBACK_TYPES
    )


def _handlers(event: Event, current: Mapping[str, HandlerRun], job: ReplayJob) -> list[Registration]:
    """The handlers that run again: those that failed, or all for which the event is; none that is still at it."""
    if job.mode == ReplayMode.ALL:
        handlers = [
            handler
            for handler in handlers_of(event)
            if handler.name not in current or current[handler.name].status in ENDED_RUNS
        ]
    else:
        dead = [name for name, old in current.items() if old.status == RunStatus.DEAD]
        handlers = [handler for handler in map(handler_named, dead) if handler is not None]
    return [handler for handler in handlers if not job.handlers or handler.name in job.handlers]


def _receivers(
    event: Event, current: Mapping[UUID, Delivery], subscriptions: Sequence[Subscription], job: ReplayJob
) -> list[Subscription]:
    """The subscriptions that get the event again, by the rules of ``_handlers``."""

    def is_chosen(one: Subscription) -> bool:
        if job.subscriptions and str(one.pk) not in job.subscriptions:
            return False
        old = current.get(one.pk)
        if old is not None and old.status == DeliveryStatus.DEAD:
            return True
        is_over = old is None or old.status in ENDED_DELIVERIES
        return job.mode == ReplayMode.ALL and is_over and wants(one, event)

    return [one for one in subscriptions if is_chosen(one)]


def _audit(job: ReplayJob, action: str, actor: Actor, **detail: object) -> None:
    bots = job.criteria.get("bots") or []
    bot = Bot.objects.filter(pk=bots[0]).only("app_id").first() if len(bots) == 1 else None
    audit.record(actor=actor, action=action, bot=bot, target=f"#{job.pk}", **detail)
