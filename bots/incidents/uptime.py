"""How much of the past days a bot was connected, by its incidents: what is shorter than settings.ALERT_SECONDS does not count."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from django.db.models import Q
from django.utils import timezone

from bots.incidents.connections import CONFIGURATION, NOT_CONNECTED
from bots.incidents.fleet import NO_FLEET
from bots.models import Bot, Incident

DAYS: Final = 30
MAX_OUTAGES: Final = 500
"""Incidents that are read, the newest ones; days with more have been bad enough."""
NOTHING: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the portal's time zone. ``watched``: how much of it the bot has been there, up to now."""

    date: date
    watched: timedelta
    down: timedelta

    @property
    def share_down(self) -> float:
        return self.down / self.watched if self.watched else 0.0


@dataclass(frozen=True, slots=True)
class Uptime:
    """The past ``DAYS`` days, the oldest first; today is the last, as far as it has come."""

    days: list[Day]

    @property
    def percent(self) -> float | None:
        """Cut to two places, so that 100 means that nothing was amiss; None where the bot has not been there yet."""
        watched = sum((day.watched for day in self.days), NOTHING)
        if not watched:
            return None
        up = watched - sum((day.down for day in self.days), NOTHING)
        return int(up / watched * 10_000) / 100


def uptime(bot: Bot) -> Uptime:
    """Two bounded queries."""
    now = timezone.now()
    today = timezone.localdate(now)
    dates = [today - timedelta(days=ago) for ago in reversed(range(DAYS))]
    outages = list(_apart(_outages(bot, _midnight(dates[0]), now)))
    return Uptime([_day(day, bot.created_at, now, outages) for day in dates])


Span = tuple[datetime, datetime]


def _outages(bot: Bot, since: datetime, now: datetime) -> list[Span]:
    """Of the bot, and of the whole fleet: then none of a bot's own is opened."""
    named = (CONFIGURATION.name, NOT_CONNECTED.name)
    recent = Q(closed_at=None) | Q(closed_at__gte=since)
    of_bot = Incident.objects.filter(recent, bot=bot, cause__in=named).order_by("-pk")
    of_fleet = Incident.objects.filter(recent, bot=None, cause=NO_FLEET.name).order_by("-pk")
    times = ("began_at", "recovered_at", "closed_at")
    return [
        (began, recovered or closed or now)
        for rows in (of_bot, of_fleet)
        for began, recovered, closed in rows.values_list(*times)[:MAX_OUTAGES]
    ]


def _apart(spans: Iterable[Span]) -> Iterator[Span]:
    """The same time in spans of which none overlaps another."""
    begun: datetime | None = None
    ended: datetime | None = None
    for began, end in sorted(spans):
        if begun is None or ended is None:
            begun, ended = began, end
        elif began <= ended:
            ended = max(ended, end)
        else:
            yield begun, ended
            begun, ended = began, end
    if begun is not None and ended is not None:
        yield begun, ended


def _day(day: date, created_at: datetime, now: datetime, outages: list[Span]) -> Day:
    begins = max(_midnight(day), created_at)
    ends = min(_midnight(day + timedelta(days=1)), now)
    watched = max(ends - begins, NOTHING)
    down = sum((max(min(end, ends) - max(began, begins), NOTHING) for began, end in outages), NOTHING)
    return Day(day, watched, min(down, watched))


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
