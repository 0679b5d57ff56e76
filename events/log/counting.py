"""Counting the log by the hour: for each bot, what became of the events that arrived in it (``EventCount``).

The counts are derived from the log, every time from the beginning, by a pass of the sweep. So storing and handling an event costs not
one statement more; a replay, or a failure that ends well in the end, is counted once and as what it became; and a process
that dies loses nothing. The price is that the hour under way is read again and again: by an index, and for one part
in twenty of the time at most, however many events it has.

An hour is counted until nothing in it changes any more: every event has ended, and the platform repeats no push of it. A
replay has the hours of its events counted again. An hour is only counted while the log still has all of its events;
after that its counts stay as they are, for a year.
"""

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from core.database.sql import ask, uuid_of
from core.database.sqlite import WRITE_TURNS
from events.enums import EventStatus
from events.log.retention import MIN_DAYS, SLOTS_KEPT, Policy
from events.models import CountedHour, Event, EventCount
from events.models.counts import HOUR, NUMBERS, SLOT, WITHIN
from feishu.callbacks import CLICKS

if TYPE_CHECKING:
    from uuid import UUID

AN_HOUR: Final = timedelta(hours=1)
MOST_DAYS: Final = 8
"""Days for which hours are counted again: what the console shows of a week, and a day more."""
FRESH: Final = timedelta(seconds=10)
"""The shortest pause between two counts of an hour: that of the hour under way."""
IDLE_SHARE: Final = 20
"""An hour that took a second to count is left alone for so many."""
LONGEST_PAUSE: Final = timedelta(minutes=10)
"""Between two counts of an hour some of whose events have not ended."""
REPEATED_FOR: Final = timedelta(hours=8)
"""The platform pushes again for 7 h 5 min, and such a push counts as a duplicate of the first."""
CLAIMED_FOR: Final = timedelta(minutes=5)
"""After which another process counts the hour of one that died over it."""
MAX_HOURS: Final = 50
"""In one pass."""
SECONDS: Final = 2.0
"""For one pass; an hour that was begun is counted to its end."""
ROWS: Final = 200
"""In one statement."""

_COLUMNS: Final = {
    EventStatus.DONE: "done",
    EventStatus.DEAD: "failed",
    EventStatus.IGNORED: "ignored",
    EventStatus.STALE: "stale",
    EventStatus.QUARANTINED: "quarantined",
    EventStatus.RECEIVED: "unfinished",
    EventStatus.DISPATCHED: "unfinished",
}


def hour_of(moment: datetime) -> datetime:
    """The beginning of its hour, in UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def count_events(*, seconds: float = SECONDS) -> int:
    """Count the hours that are due, the latest first, for about that long; returns how many were counted."""
    deadline = time.monotonic() + seconds
    counted = 0
    for hour in _due(timezone.now()):
        counted += _count(hour)
        if time.monotonic() >= deadline:
            break
    return counted


def count_again(events: Iterable[Event]) -> None:
    """Have the hours of these events counted again, when the caller's transaction has changed what became of them."""
    hours = sorted({hour_of(event.received_at) for event in events})
    # Always in the same order, so that two replays never wait for each other in a circle.
    rows = CountedHour.objects.select_for_update().filter(start__in=hours).order_by("start")
    found = list(rows.values_list("start", flat=True))
    CountedHour.objects.filter(start__in=found).update(due_at=timezone.now())


def _due(now: datetime) -> Sequence[CountedHour]:
    """Hours to be counted; a row is made for each that has begun since the last pass."""
    current = hour_of(now)
    wanted = CountedHour.objects.filter(Q(due_at__lte=now) | Q(start=current)).order_by("-start")
    rows = list(wanted[:MAX_HOURS])
    if not rows or rows[0].start < current:
        _begin_hours(current)
        rows = list(wanted[:MAX_HOURS])
    return [row for row in rows if row.due_at is not None and row.due_at <= now]


def _begin_hours(current: datetime) -> None:
    """Rows for the hours after the last one that has a row, as far back as they can be counted."""
    last = CountedHour.objects.order_by("-start").values_list("start", flat=True).first()
    first = current - timedelta(days=MOST_DAYS)
    if last is not None:
        first = max(first, last + AN_HOUR)
    hours = [first + AN_HOUR * number for number in range((current - first) // AN_HOUR + 1)]
    CountedHour.objects.bulk_create(
        [CountedHour(start=hour, due_at=hour) for hour in hours], ignore_conflicts=True
    )


def _count(hour: CountedHour) -> bool:
    """Count an hour unless another process does; whether it was counted."""
    now, began = timezone.now(), time.monotonic()
    claimed_until = now + CLAIMED_FOR
    # The row count decides whose it is.
    if not CountedHour.objects.filter(pk=hour.pk, due_at=hour.due_at).update(due_at=claimed_until):
        return False
    due_at = None
    if is_whole := hour.start > _earliest(hour.start, now):
        counts, slots = _counts_of(hour.start)
        try:
            _write(counts + (slots if hour.start > now - SLOTS_KEPT else []))
        except IntegrityError:  # a bot was deleted meanwhile
            return False
        pause = max(FRESH, timedelta(seconds=time.monotonic() - began) * IDLE_SHARE)
        due_at = _next(hour.start + AN_HOUR, now, pause, is_open=any(one.unfinished for one in counts))
    # Not where a replay has asked for another count meanwhile.
    row = CountedHour.objects.filter(pk=hour.pk, due_at=claimed_until)
    row.update(due_at=due_at, **({"counted_at": now} if is_whole else {}))
    return is_whole


def _earliest(start: datetime, now: datetime) -> datetime:
    """Hours that begin later are in the log with all their events."""
    if start > now - timedelta(days=MIN_DAYS):
        return now - timedelta(days=MIN_DAYS)
    policy = Policy.current()
    return now - timedelta(days=min(MOST_DAYS, *policy.days.values(), *policy.bots.values()))


def _next(ended: datetime, now: datetime, pause: timedelta, *, is_open: bool) -> datetime | None:
    """When an hour that ends or ended then is to be counted again. ``is_open``: some of its events have not ended."""
    since = now - ended
    if since < LONGEST_PAUSE:  # events wait to be written, too
        return now + pause
    if is_open:
        return now + max(pause, min(LONGEST_PAUSE, since / 10))
    return ended + REPEATED_FOR if since < REPEATED_FOR else None


def _counts_of(hour: datetime) -> tuple[list[EventCount], list[EventCount]]:
    """The counts of the hour and of its slots."""
    hours: dict[UUID, EventCount] = {}
    slots: dict[tuple[UUID, int], EventCount] = {}
    for bot_id, slot, status, within, is_click, events, duplicates, late in ask(
        _statement(), [hour, hour + AN_HOUR]
    ):
        bot = uuid_of(bot_id)
        start = hour + timedelta(minutes=SLOT * slot)
        count = slots.setdefault((bot, slot), EventCount(bot_id=bot, start=start, minutes=SLOT))
        numbers = {_COLUMNS[EventStatus(status)]: events, "duplicates": duplicates}
        if within:
            numbers[within] = events
        if is_click:
            numbers |= {"clicks": events, "late_clicks": late}
        for name, number in numbers.items():
            setattr(count, name, getattr(count, name) + int(number))
    for (bot, _slot), count in slots.items():
        hours.setdefault(bot, EventCount(bot_id=bot, start=hour, minutes=HOUR)).add(count)
    return list(hours.values()), list(slots.values())


def _statement() -> str:
    """Groups the events of an hour. Those that were done within a minute of their arrival need no look at their runs: no
    person has replayed them."""
    if connection.vendor == "postgresql":
        minute = "EXTRACT(MINUTE FROM received_at AT TIME ZONE 'UTC')::int"
        seconds = "EXTRACT(EPOCH FROM {} - {})"
    else:
        minute = "CAST(STRFTIME('%%M', received_at) AS INTEGER)"
        seconds = "((JULIANDAY({}) - JULIANDAY({})) * 86400)"
    took, stayed = seconds.format("finished_at", "created_at"), seconds.format("finished_at", "received_at")
    bounds = " ".join(f"WHEN took <= {most} THEN '{name}'" for name, most in WITHIN.items())
    clicks = ", ".join(f"'{name}'" for name in sorted(CLICKS))
    return (
        "SELECT bot_id, slot, status,"  # noqa: S608 -- constants
        f" CASE WHEN took IS NULL THEN '' {bounds} ELSE 'longer' END AS took_within,"
        " is_click, COUNT(*), SUM(duplicates), SUM(is_late) FROM ("
        f"SELECT bot_id, {minute} / {SLOT} AS slot, status, duplicates,"
        f" CASE WHEN event_type IN ({clicks}) THEN 1 ELSE 0 END AS is_click,"
        " CASE WHEN answered_late THEN 1 ELSE 0 END AS is_late,"
        f" CASE WHEN status <> 'done' OR ({stayed} > 60 AND EXISTS (SELECT 1 FROM events_handlerrun"
        f" WHERE event_id = event.id AND replay_id IS NOT NULL)) THEN NULL ELSE {took} END AS took"
        " FROM events_event event WHERE received_at >= %s AND received_at < %s"
        " AND bot_id IN (SELECT id FROM bots_bot WHERE deleted_at IS NULL)"
        ") measured GROUP BY bot_id, slot, status, took_within, is_click"
    )


def _write(counts: Sequence[EventCount]) -> None:
    """In the place of earlier counts of the same spans. Raises IntegrityError where a bot goes meanwhile."""
    if not counts:
        return
    with WRITE_TURNS.behind(), transaction.atomic():
        EventCount.objects.bulk_create(
            sorted(counts, key=lambda count: (count.bot_id, count.minutes, count.start)),
            batch_size=ROWS,
            update_conflicts=True,
            unique_fields=("bot", "minutes", "start"),
            update_fields=NUMBERS,
        )
