"""Replays: events are handled and delivered again, one, some, or all that a filter matches, at a rate.

A replay is a row that is advanced step by step, by a worker at every sweep or by a command. Nothing is lost when one of
them dies between two steps, and nothing is done twice when two advance the same row: the step that moves the cursor is
the step that counts.
"""

import logging
import time
from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta
from enum import Enum

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from bots.models import Bot
from core.access import audit
from core.access.actors import Actor
from core.background.pace import Pace
from core.database.counts import BoundedCount
from events.enums import ReplayMode, ReplayState
from events.errors import SearchTooSlowError
from events.log.criteria import EventCriteria
from events.log.reprocessing import reprocess
from events.log.search import count_matching, oldest
from events.models import Event, ReplayJob
from events.notify import notify_replayer, notify_worker

logger = logging.getLogger(__name__)

MAX_EXPECTED = 10_000  # events counted before a replay begins
MAX_SELECTED = 1_000  # events named one by one
DEFAULT_RATE = 20  # events a second
MAX_RATE = 1_000
BATCH = 100  # events in one transaction
BURST = timedelta(seconds=10)  # of the rate that is made up for after a pause
MAX_JOBS = 20  # in one sweep
SWEEP_SECONDS = 3.0  # for each of them
MAX_ERROR = 500  # characters kept


class Progress(Enum):
    """How a step, or the time for several, ended."""

    MOVED = "moved"
    WAITING = "waiting"
    """The rate allows no more yet, or another worker was faster."""
    ENDED = "ended"


def estimate(criteria: EventCriteria, *, asker: Hashable = None) -> BoundedCount:
    """The dry run: counts the matching events, up to ``MAX_EXPECTED``. Raises SearchTooSlowError."""
    return count_matching(criteria, most=MAX_EXPECTED, asker=asker)


def start_replay(
    *,
    criteria: EventCriteria,
    mode: ReplayMode,
    actor: Actor,
    handlers: Sequence[str] = (),
    subscriptions: Sequence[str] = (),
    rate: int = DEFAULT_RATE,
) -> ReplayJob:
    """Request a replay of the events that match now; the workers carry it out.

    ``handlers`` (names) and ``subscriptions`` (IDs) narrow it to those; without either it is for all, or where the
    criteria are about a failed handler or subscription, for that one. Raises SearchTooSlowError.
    """
    job = _create(
        criteria=criteria,
        mode=mode,
        actor=actor,
        handlers=handlers,
        subscriptions=subscriptions,
        rate=rate,
    )
    transaction.on_commit(notify_replayer)
    return job


def replay_event(
    event: Event,
    *,
    mode: ReplayMode,
    actor: Actor,
    handlers: Sequence[str] = (),
    subscriptions: Sequence[str] = (),
    seconds: float,
) -> ReplayJob:
    """Replay one event at once; the workers do what does not fit into ``seconds``. The job is as it is then."""
    job = _create(
        criteria=EventCriteria(bots=(event.bot_id,), pks=(event.pk,)),
        mode=mode,
        actor=actor,
        handlers=handlers,
        subscriptions=subscriptions,
        rate=MAX_RATE,
    )
    if advance(job, seconds=seconds) is not Progress.ENDED:
        transaction.on_commit(notify_replayer)
    job.refresh_from_db()
    return job


def cancel_replay(job: ReplayJob, *, actor: Actor) -> bool:
    """Stop before the next step; what was replayed stays so. False if it had ended already."""
    with transaction.atomic():
        row = ReplayJob.objects.open().filter(pk=job.pk)
        if not row.update(state=ReplayState.CANCELLED, finished_at=timezone.now()):
            return False
        _audit(job, "replay.cancelled", actor)
    return True


def sweep_replays() -> None:
    """Advance the open replays, the longest due first, as far as rate and time allow."""
    for job in ReplayJob.objects.open().order_by("next_step_at", "pk")[:MAX_JOBS]:
        advance(job, seconds=SWEEP_SECONDS)


def advance(job: ReplayJob, *, seconds: float) -> Progress:
    """Step until rate, time or replay are at their end. An error is recorded in the row, and the next sweep tries again."""
    deadline = time.monotonic() + seconds
    progress = Progress.MOVED
    while progress is Progress.MOVED and time.monotonic() < deadline:
        try:
            progress = step(job)
        except SearchTooSlowError:
            return _wait_with(job, "The search for the next events took too long.")
        except Exception as error:
            logger.exception("replay_failed", extra={"replay": job.pk})
            return _wait_with(job, f"{type(error).__name__}: {error}")
    return progress


def step(job: ReplayJob) -> Progress:
    """Replay the next few events. Raises SearchTooSlowError, and whatever the database raises."""
    job.refresh_from_db()
    if not job.is_open:
        return Progress.ENDED
    now, pace = timezone.now(), Pace(job.rate, BURST)
    allowed = pace.allowed(job.next_step_at, now)
    if not allowed:
        return Progress.WAITING
    found = oldest(
        EventCriteria.from_json(job.criteria), after=job.cursor, last=job.last, limit=min(allowed, BATCH)
    )
    with transaction.atomic():
        if not _move(job, found.cursor, pace.after(job.next_step_at, now, len(found.pks))):
            return Progress.WAITING
        replayed = reprocess(found.pks, job)
        ReplayJob.objects.filter(pk=job.pk).update(
            replayed=F("replayed") + replayed, skipped=F("skipped") + len(found.pks) - replayed, error=""
        )
        if replayed:
            transaction.on_commit(notify_worker)
    return Progress.ENDED if found.cursor is None else Progress.MOVED


def _create(
    *,
    criteria: EventCriteria,
    mode: ReplayMode,
    actor: Actor,
    handlers: Sequence[str],
    subscriptions: Sequence[str],
    rate: int,
) -> ReplayJob:
    if not (handlers or subscriptions):
        handlers = [criteria.handler] if criteria.handler else []
        subscriptions = [criteria.subscription] if criteria.subscription else []
    expected = estimate(criteria)
    last = Event.objects.aggregate(last=Max("pk"))["last"] or 0
    # Events up to the cursor may be pruned: it begins as far ahead as it can.
    first = oldest(criteria, last=last, limit=1)
    cursor = first.pks[0] - 1 if first.pks else first.cursor or last
    with transaction.atomic():
        job = ReplayJob.objects.create(
            requested_by=str(actor),
            operator_id=actor.operator_id,
            client_id=actor.client_id,
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
        detail = {"expected": str(expected), "mode": mode, "rate": job.rate, "filter": job.criteria}
        narrowed = {"handlers": job.handlers, "subscriptions": job.subscriptions}
        detail |= {name: chosen for name, chosen in narrowed.items() if chosen}
        _audit(job, "replay.started", actor, **detail)
    return job


def _move(job: ReplayJob, cursor: int | None, next_step_at: datetime) -> bool:
    """Go on to ``cursor``, None being the end. The row count decides whose step it is, and the row stays locked."""
    row = ReplayJob.objects.open().filter(pk=job.pk, cursor=job.cursor)
    if cursor is None:
        moved = row.update(
            cursor=job.last, state=ReplayState.DONE, next_step_at=next_step_at, finished_at=timezone.now()
        )
    else:
        moved = row.update(cursor=cursor, state=ReplayState.RUNNING, next_step_at=next_step_at)
    return bool(moved)


def _wait_with(job: ReplayJob, error: str) -> Progress:
    ReplayJob.objects.filter(pk=job.pk).update(error=error[:MAX_ERROR])
    return Progress.WAITING


def _audit(job: ReplayJob, action: str, actor: Actor, **detail: object) -> None:
    bots = job.criteria.get("bots") or []
    bot = Bot.objects.filter(pk=bots[0]).only("app_id").first() if len(bots) == 1 else None
    audit.record(actor=actor, action=action, bot=bot, target=f"#{job.pk}", **detail)
