"""How long events are kept, and letting go of the others.

Each status has its own number of days; a bot may have its own instead. Never fewer than two: an event is also what a
repeated push is known by, and the platform pushes again for seven hours. What is still being handled stays, and so does
what an open replay has not come to.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Min, QuerySet
from django.utils import timezone

from bots.models import Bot
from events.enums import ENDED, EventStatus
from events.log.deletion import CHUNK, delete_events
from events.log.search import number_at
from events.models import Delivery, Event, ReplayJob

logger = logging.getLogger("events.retention")

MIN_DAYS = 2
MOST_COUNTED = 1_000_000  # events of one kind a dry run counts
REPLAYS_KEPT = timedelta(days=90)
MAX_REPLAYS = 1_000  # deleted in one run
SCHEDULED_BUDGET = 60.0  # seconds
HANDLED = (EventStatus.DONE,)
FAILED = (EventStatus.DEAD, EventStatus.QUARANTINED, EventStatus.STALE)
IGNORED = (EventStatus.IGNORED,)


@dataclass(frozen=True, slots=True)
class Policy:
    """Days by status, and the days of bots that have their own."""

    days: dict[EventStatus, int]
    bots: dict[UUID, int] = field(default_factory=dict)

    @classmethod
    def current(cls) -> "Policy":
        """What the environment and the bots say now."""
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
) -> tuple[int, bool]:
    """Delete what has had its time, for ``seconds`` at most; returns how many events went and whether that was all.

    ``on_progress`` is called with the size of every chunk. Safe beside everything else, itself included.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    gone = 0
    for overdue in _overdue(timezone.now()):
        after = 0
        while True:
            if deadline is not None and time.monotonic() >= deadline:
                return gone, False
            with transaction.atomic():
                rows = overdue.filter(pk__gt=after).order_by("pk").select_for_update(skip_locked=True)
                pks = list(rows.values_list("pk", flat=True)[:CHUNK])
                open_ones = Delivery.objects.filter(event_id__in=pks).exclude(status__in=ENDED)
                kept = set(open_ones.values_list("event_id", flat=True))
                count = delete_events([pk for pk in pks if pk not in kept])
            gone += count
            on_progress(count)
            if len(pks) < CHUNK:
                break
            after = pks[-1]
    _prune_replays(timezone.now())
    if gone:
        logger.info("events_pruned", extra={"events": gone})
    return gone, True


def count_overdue() -> tuple[int, bool]:
    """The dry run: how many events would go, and whether there may be more than were counted."""
    counts = [rows.order_by()[: MOST_COUNTED + 1].count() for rows in _overdue(timezone.now())]
    return sum(min(count, MOST_COUNTED) for count in counts), any(count > MOST_COUNTED for count in counts)


def _overdue(now: datetime) -> Iterator[QuerySet[Event]]:
    """Each read in the order of an index, and no further than the age that is asked for."""
    policy = Policy.current()
    rows = Event.objects.all()
    waiting = ReplayJob.objects.open().aggregate(first=Min("cursor"))["first"]
    if waiting is not None:
        rows = rows.filter(pk__lte=waiting)
    for status, days in policy.days.items():
        yield _older(
            rows.filter(status=status).exclude(bot__in=list(policy.bots)), now - timedelta(days=days)
        )
    for bot, days in policy.bots.items():
        yield _older(rows.filter(bot=bot, status__in=policy.days), now - timedelta(days=days))


def _older(rows: QuerySet[Event], age: datetime) -> QuerySet[Event]:
    bound = number_at(age)
    return rows.filter(received_at__lt=age, **({} if bound is None else {"pk__lt": bound}))


def _prune_replays(now: datetime) -> None:
    old = ReplayJob.objects.filter(finished_at__lt=now - REPLAYS_KEPT).order_by("pk")
    ReplayJob.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:MAX_REPLAYS])).delete()
