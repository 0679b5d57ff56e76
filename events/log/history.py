"""What the counts of the log say of a span of time: bars for a chart, how much went well, how long it took.

The cost depends on the length of the span and on the number of bots, and not on how many events there were.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import QuerySet, Sum
from django.utils import timezone

from events.models import CountedHour, EventCount
from events.models.counts import HOUR, NUMBERS, OUTCOMES, SLOT, WITHIN

SLOW_SHARE: Final = 0.95
BEHIND: Final = timedelta(minutes=3)
"""Counts that are older are out of date: nobody counts."""


@dataclass(frozen=True, slots=True)
class Window:
    """A length of time up to now: so many bars, drawn from counts of so many minutes each."""

    name: str
    minutes: int
    bar: timedelta
    bars: int


WINDOWS: Final = {
    window.name: window
    for window in (
        Window("1h", SLOT, timedelta(minutes=5), 12),
        Window("24h", HOUR, timedelta(hours=1), 24),
        Window("7d", HOUR, timedelta(hours=6), 28),
    )
}
DAY: Final = WINDOWS["24h"]


@dataclass(frozen=True, slots=True)
class Bar:
    """What arrived from ``start`` until ``end``; the last bar of a window is not over yet."""

    start: datetime
    end: datetime
    counts: EventCount


@dataclass(frozen=True, slots=True)
class History:
    """``total``: of all bars. ``complete`` leaves out the last one, and ``before`` is as long a time before the first: those two
    can be held against each other."""

    window: Window
    bars: Sequence[Bar]
    total: EventCount
    complete: EventCount
    before: EventCount


def history(window: Window, *, bots: Sequence[UUID] | None, now: datetime | None = None) -> History:
    """Of these bots (None: of all), in one query."""
    now = now or timezone.now()
    last = _start_of_bar(now, window.bar)
    first = last - window.bar * (window.bars - 1)
    begin = first - window.bar * (window.bars - 1)
    sums: dict[int, EventCount] = {}
    for start, counts in _sums(_of_bots(bots), window.minutes, begin):
        sums.setdefault((start - begin) // window.bar, EventCount()).add(counts)
    earlier = window.bars - 1
    bars = [
        Bar(start, start + window.bar, sums.get(earlier + number, EventCount()))
        for number in range(window.bars)
        for start in [first + window.bar * number]
    ]
    return History(
        window,
        bars,
        total=_added(bar.counts for bar in bars),
        complete=_added(bar.counts for bar in bars[:-1]),
        before=_added(counts for number, counts in sums.items() if number < earlier),
    )


def hourly(bots: Sequence[UUID], *, now: datetime | None = None) -> Mapping[UUID, Sequence[int]]:
    """How many events of each bot arrived in each of the last 24 hours, the earliest first, in one query."""
    last = _start_of_bar(now or timezone.now(), DAY.bar)
    first = last - DAY.bar * (DAY.bars - 1)
    rows = EventCount.objects.filter(bot__in=bots, minutes=HOUR, start__gte=first, start__lte=last)
    found = {bot: [0] * DAY.bars for bot in bots}
    for row in rows.only("bot_id", "start", *OUTCOMES):
        found[row.bot_id][(row.start - first) // DAY.bar] = arrived(row)
    return found


def counted_until() -> datetime | None:
    """When the counts were last brought up to date; None where they are, or where none were made yet."""
    latest = CountedHour.objects.order_by("-start").values_list("counted_at", flat=True)
    found = next((at for at in latest[:2] if at is not None), None)
    return found if found is not None and timezone.now() - found > BEHIND else None


def arrived(counts: EventCount) -> int:
    """How many events there are."""
    return sum(getattr(counts, outcome) for outcome in OUTCOMES)


def success_rate(counts: EventCount) -> float | None:
    """The share of events that were done, of those that were done, failed or could not be read; None without any."""
    ended = counts.done + counts.failed + counts.quarantined
    return counts.done / ended if ended else None


def slow_end(counts: EventCount, share: float = SLOW_SHARE) -> float | None:
    """Within how many seconds of the platform's making them that share of the events was done (p95), assuming that they are
    spread evenly between two bounds; infinity beyond the last bound, None without any."""
    numbers: list[int] = [getattr(counts, name) for name in WITHIN]
    wanted = (sum(numbers) + counts.longer) * share
    if not wanted:
        return None
    lower, before = 0.0, 0
    for number, upper in zip(numbers, WITHIN.values(), strict=True):
        if number and before + number >= wanted:
            return lower + (upper - lower) * (wanted - before) / number
        lower, before = upper, before + number
    return math.inf


def _of_bots(bots: Sequence[UUID] | None) -> QuerySet[EventCount]:
    return EventCount.objects.all() if bots is None else EventCount.objects.filter(bot__in=bots)


def _sums(rows: QuerySet[EventCount], minutes: int, begin: datetime) -> Iterator[tuple[datetime, EventCount]]:
    """The counts of all bots together, by the start of each span since ``begin``."""
    spans = rows.filter(minutes=minutes, start__gte=begin).order_by("start").values("start")
    sums = spans.annotate(**{f"sum_{name}": Sum(name) for name in NUMBERS})
    for start, *numbers in sums.values_list("start", *(f"sum_{name}" for name in NUMBERS)):
        yield start, EventCount(**dict(zip(NUMBERS, numbers, strict=True)))


def _added(counts: Iterator[EventCount]) -> EventCount:
    total = EventCount()
    for one in counts:
        total.add(one)
    return total


def _start_of_bar(now: datetime, bar: timedelta) -> datetime:
    """The start of the bar under way. Bars of hours begin at midnight in the portal's time zone, or half an hour off where
    that zone is: counts begin with the hours of UTC."""
    offset = timezone.localtime(now).utcoffset() or timedelta()
    shift = offset // timedelta(hours=1) * timedelta(hours=1)
    origin = datetime(1970, 1, 1, tzinfo=UTC) - shift
    return origin + (now - origin) // bar * bar
