"""How long the rows of this app are kept, and deleting those whose time has passed.

Events: each status has its own number of days; a bot may have its own instead. Two days at least: an event is also what a
repeated push is recognized by, and the platform pushes again for seven hours. Events that are still being handled or
delivered stay, and so do those that an open replay has not reached. Their runs, deliveries and attempts go with them.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, Min, OuterRef, QuerySet
from django.utils import timezone

from bots.models import Bot
from core.database.batches import Deleted, delete_in_batches
from core.database.counts import BoundedCount, count_up_to
from core.database.retention import MAX_COUNTED, Overdue
from events.enums import ENDED_DELIVERIES, ENDED_RUNS, EventStatus
from events.log.deletion import BATCH, delete_events
from events.log.search import number_at
from events.models import (
    CountedHour,
    Delivery,
    Event,
    EventCount,
    HandlerRun,
    ReplayJob,
    ShedCount,
    Subscription,
)
from events.models.counts import HOUR, SLOT

logger = logging.getLogger(__name__)

MIN_DAYS = 2
REPLAYS_KEPT = timedelta(days=90)
SHED_COUNTS_KEPT = timedelta(days=90)
COUNTS_KEPT = timedelta(days=366)
"""A year, so that a month can be held against the same one of last year. No setting: a bot has 9,000 small rows by then."""
SLOTS_KEPT = timedelta(hours=6)
"""Counts of five minutes, for charts of the last hour."""
MARKS_KEPT = timedelta(days=14)
"""Of hours that were counted; none is counted again after so long."""
SCHEDULED_SECONDS = 60.0
HANDLED = (EventStatus.DONE,)
FAILED = (EventStatus.DEAD, EventStatus.QUARANTINED, EventStatus.STALE)
IGNORED = (EventStatus.IGNORED,)
FINISHED = (*HANDLED, *FAILED, *IGNORED)


@dataclass(frozen=True, slots=True)
class Policy:
    """Days by status, and the days of bots that have their own."""

    days: dict[EventStatus, int]
    bots: dict[UUID, int] = field(default_factory=dict)

    @classmethod
    def current(cls) -> "Policy":
        """As the environment and the bots say now."""
        days = {
            HANDLED: settings.EVENT_RETENTION_DAYS,
            FAILED: settings.FAILED_EVENT_RETENTION_DAYS,
            IGNORED: settings.IGNORED_EVENT_RETENTION_DAYS,
        }
        own = Bot.objects.exclude(event_retention_days=None).values_list("pk", "event_retention_days")
        return cls(
            {status: max(MIN_DAYS, count) for statuses, count in days.items() for status in statuses},
            {bot: max(MIN_DAYS, count) for bot, count in own if count is not None},
        )


def prune_events(
    *, seconds: float | None = None, on_progress: Callable[[int], None] = lambda _count: None
) -> Deleted:
    """Delete the events whose time has passed, for about ``seconds`` (None: to the end).

    ``on_progress`` is called with the number of events of every batch. Safe to run beside everything else, itself included.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    now = timezone.now()
    count, is_all = 0, True
    for expired in _expired(now):
        left = None if deadline is None else deadline - time.monotonic()
        deleted = delete_in_batches(
            expired.order_by("pk"), size=BATCH, seconds=left, delete=_delete_finished, on_progress=on_progress
        )
        count += deleted.count
        if not deleted.is_all:
            is_all = False
            break
    if count:
        logger.info("events_pruned", extra={"events": count})
    return Deleted(count, is_all)


def overdue() -> Overdue:
    """Other rows of this app that have had their time."""
    now = timezone.now()
    removed = Subscription.objects.exclude(removed_at=None)
    delivered = Exists(Delivery.objects.filter(subscription=OuterRef("pk")))
    return {
        "replays": ReplayJob.objects.filter(finished_at__lt=now - REPLAYS_KEPT).order_by("pk"),
        "counts of shed work": ShedCount.objects.filter(hour__lt=now - SHED_COUNTS_KEPT).order_by("hour"),
        "counts of events by the hour": _counts(HOUR, now - COUNTS_KEPT),
        "counts of events by five minutes": _counts(SLOT, now - SLOTS_KEPT),
        "marks of counted hours": CountedHour.objects.filter(start__lt=now - MARKS_KEPT).order_by("start"),
        # Theirs are part of the lives of their events, and go with these.
        "removed subscriptions": removed.filter(~delivered).order_by("pk"),
    }


def _counts(minutes: int, before: datetime) -> QuerySet[EventCount]:
    return EventCount.objects.filter(minutes=minutes, start__lt=before).order_by("start")


def count_expired() -> BoundedCount:
    """The dry run: how many events ``prune_events`` would delete."""
    counts = [count_up_to(rows, MAX_COUNTED) for rows in _expired(timezone.now())]
    return BoundedCount(sum(one.count for one in counts), any(one.is_more for one in counts))


def _expired(now: datetime) -> Iterator[QuerySet[Event]]:
    """Each is read in the order of an index, and no further than its age."""
    policy = Policy.current()
    rows = Event.objects.all()
    replay = ReplayJob.objects.open().aggregate(cursor=Min("cursor"))["cursor"]
    if replay is not None:
        rows = rows.filter(pk__lte=replay)
    for status, days in policy.days.items():
        of_status = rows.filter(status=status).exclude(bot__in=list(policy.bots))
        yield _arrived_before(now - timedelta(days=days), of_status)
    for bot, days in policy.bots.items():
        yield _arrived_before(now - timedelta(days=days), rows.filter(bot=bot, status__in=FINISHED))


def _arrived_before(moment: datetime, rows: QuerySet[Event]) -> QuerySet[Event]:
    number = number_at(moment)
    return rows.filter(received_at__lt=moment, **({} if number is None else {"pk__lt": number}))


def _delete_finished(pks: Sequence[int]) -> int:
    """Leaves out events that a replay has just taken up, and those with runs or deliveries that have not ended."""
    events = Event.objects.select_for_update(skip_locked=True).filter(pk__in=pks, status__in=FINISHED)
    locked = set(events.values_list("pk", flat=True))
    runs = HandlerRun.objects.filter(event_id__in=locked).exclude(status__in=ENDED_RUNS)
    deliveries = Delivery.objects.filter(event_id__in=locked).exclude(status__in=ENDED_DELIVERIES)
    unfinished = {pk for rows in (runs, deliveries) for pk in rows.values_list("event_id", flat=True)}
    return delete_events(sorted(locked - unfinished))
