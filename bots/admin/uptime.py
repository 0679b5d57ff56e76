"""The bar of a bot's past 30 days on its page."""

from dataclasses import dataclass
from typing import Final

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from bots.incidents.uptime import DAYS, Day, uptime
from bots.models import Bot
from core.console.rendering import duration

WIDTH: Final = 10
"""Of a day in the drawing, with the gap to the next."""
GAP: Final = 2
HEIGHT: Final = 36
LEAST: Final = 5
"""Of an outage's mark, however short it was."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A day in the drawing. ``down``: the height of the mark at its foot, 0 without an outage."""

    x: int
    kind: str
    down: int
    said: str

    @property
    def top(self) -> int:
        """Where the mark begins."""
        return HEIGHT - self.down


def uptime_bar(bot: Bot) -> SafeString:
    """Empty for a bot that holds no connection now, and for one that was added today."""
    if not (bot.enabled and bot.uses_connection):
        return SafeString("")
    found = uptime(bot)
    if found.percent is None:
        return SafeString("")
    bad = [day for day in found.days if day.down]
    context = {
        "percent": f"{found.percent:.2f}".rstrip("0").rstrip("."),
        "bars": [_bar(number, day) for number, day in enumerate(found.days)],
        "size": (DAYS * WIDTH - GAP, HEIGHT),
        "width": WIDTH - GAP,
        "summary": _summary(len(bad), is_new=not found.days[0].watched),
        "bad": [(date_format(day.date, "DATE_FORMAT"), duration(day.down)) for day in reversed(bad)],
        "first": date_format(found.days[0].date, "MONTH_DAY_FORMAT"),
        "incidents": f"{reverse('admin:bots_incident_changelist')}?{urlencode({'bot__id__exact': str(bot.pk)})}",
    }
    return render_to_string("admin/bots/bot/uptime.html", context)


def _bar(number: int, day: Day) -> Bar:
    said = date_format(day.date, "DATE_FORMAT")
    if not day.watched:
        return Bar(number * WIDTH, "none", 0, gettext("%(day)s: not added yet") % {"day": said})
    if not day.down:
        return Bar(number * WIDTH, "up", 0, gettext("%(day)s: connected all the time") % {"day": said})
    height = max(LEAST, round(day.share_down * HEIGHT))
    words = gettext("%(day)s: without a connection for %(time)s")
    return Bar(number * WIDTH, "up", height, words % {"day": said, "time": duration(day.down)})


def _summary(days: int, *, is_new: bool) -> str:
    if not days:
        return gettext("No outage since it was added.") if is_new else gettext("No outage in 30 days.")
    words = ngettext("An outage on %(count)d day of 30.", "Outages on %(count)d days of 30.", days)
    return words % {"count": days}
