"""Events over an hour, a day or a week, on the overview and on a bot's page: a chart, and four numbers.

The chart is an SVG that the server draws; each bar leads to its events in the log.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from auth_sessions.models import UserToken
from bots.models import Bot, own_bot_ids
from core.access.models import User
from core.console.base import operator_of
from core.console.live.digests import digest_of
from core.console.overview import list_link
from core.console.paging import MAX_COUNT
from core.console.rendering import EMPTY, duration, exact
from core.database.counts import count_up_to
from events.enums import EventStatus
from events.log.history import (
    DAY,
    WINDOWS,
    Bar,
    History,
    Window,
    arrived,
    counted_until,
    history,
    slow_end,
    success_rate,
)
from events.models import EventCount

ENDING: Final = timedelta(days=7)
SPAN: Final = "span"
"""The parameter of the address that names the window."""

WIDTH: Final = 960
HEIGHT: Final = 150
GAP: Final = 0.2
"""Of a bar's place."""

TABS: Final = {"1h": _("1 hour"), "24h": _("24 hours"), "7d": _("7 days")}
STATUSES: Final = {
    "done": EventStatus.DONE,
    "failed": EventStatus.DEAD,
    "quarantined": EventStatus.QUARANTINED,
    "stale": EventStatus.STALE,
    "ignored": EventStatus.IGNORED,
    "unfinished": EventStatus.DISPATCHED,
}
"""Outcomes from the bottom of a bar to its top, and the status by which the log is filtered."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number: what it was in the time before, and the list behind it, as far as there are any."""

    name: str
    title: str | Promise
    value: str
    before: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class BarPart:
    """The events of one outcome in a bar."""

    outcome: str
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Column:
    """A bar: where it stands, what it says, and its events in the log."""

    x: str
    width: str
    hit_x: str
    hit_width: str
    label: str
    link: str
    parts: Sequence[BarPart]


def window_named(name: str) -> Window:
    """The window of that name; a day where there is none."""
    return WINDOWS.get(name, DAY)


def panel(request: HttpRequest, bot: Bot | None = None) -> SafeString:
    """The panel for the operator's page; a page that has ``badges.js`` keeps it up to date."""
    window = window_named(request.GET.get(SPAN, ""))
    shown = read(operator_of(request), window, bot=None if bot is None else bot.pk)
    if shown is None:
        return SafeString("")
    return format_html(
        '<section class="portal-panel figures" id="figures" data-testid="figures" data-live-figures="{}" data-bot="{}"'
        ' data-digest="{}">{}</section>',
        window.name,
        "" if bot is None else bot.pk,
        digest(shown),
        drawn(shown),
    )


def read(user: User, window: Window, *, bot: UUID | None = None) -> dict[str, Any] | None:
    """What the panel shows, in a fixed number of queries; None where the operator may not see the bot."""
    bots = own_bot_ids(user)
    if bot is not None:
        if not Bot.objects.visible_to(user).filter(pk=bot).exists():
            return None
        bots = (bot,)
    found = history(window, bots=bots)
    behind = counted_until()
    return {
        "tabs": [(name, words, name == window.name) for name, words in TABS.items()],
        "figures": [*_figures(found, bot), *_authorizations(user, bot)],
        "columns": list(_columns(found, bot)),
        "most": f"{max(arrived(bar.counts) for bar in found.bars):,}",
        "legend": list(_legend(found, bot)),
        "first": _moment(found.bars[0].start, window),
        "middle": _moment(found.bars[len(found.bars) // 2].start, window),
        "rows": [(_period(bar, window), _numbers(bar.counts)) for bar in found.bars if arrived(bar.counts)],
        "outcomes": [EventStatus(status).label for status in STATUSES.values()],
        "is_empty": not arrived(found.total),
        "behind": exact(behind) if behind else "",
        "title": _chart_title(found),
        "size": (WIDTH, HEIGHT),
    }


def drawn(shown: dict[str, Any]) -> SafeString:
    """What stands in the panel."""
    return render_to_string("admin/figures.html", shown)


def digest(shown: dict[str, Any]) -> str:
    """Of all that it shows."""
    return digest_of(sorted(shown.items()))


# --- numbers


def _figures(found: History, bot: UUID | None) -> Iterator[Figure]:
    total, before = found.total, found.before
    yield Figure(
        "events",
        _("Events"),
        f"{arrived(total):,}",
        _change(arrived(found.complete), arrived(before)),
        _log(bot, found.bars[0].start),
    )
    yield Figure(
        "success",
        _("Success rate"),
        _percent(success_rate(total)),
        _was(_percent(success_rate(before))),
        _log(bot, found.bars[0].start, outcome="failed") if total.failed else "",
    )
    yield Figure(
        "p95", _("From Feishu to done, p95"), _seconds(slow_end(total)), _was(_seconds(slow_end(before)))
    )
    if total.clicks:
        late = ngettext("%(late)s answered late", "%(late)s answered late", total.late_clicks)
        yield Figure(
            "clicks", _("Card clicks"), f"{total.clicks:,}", late % {"late": f"{total.late_clicks:,}"}
        )


def _authorizations(user: User, bot: UUID | None) -> Iterator[Figure]:
    tokens = UserToken.objects.visible_to(user)
    if bot is not None:
        tokens = tokens.filter(bot=bot)
    ending = count_up_to(tokens.ending_within(ENDING), MAX_COUNT)
    filters = {"ending": "7d"} | ({} if bot is None else {"bot__id__exact": str(bot)})
    link = list_link("auth_sessions_usertoken", **filters)
    yield Figure("ending", _("Authorizations that end within 7 days"), str(ending), link=link)


def _change(now: int, before: int) -> str:
    """Against the time before: of as many complete bars."""
    if not before:
        return gettext("none before") if now else ""
    percent = round((now - before) * 100 / before)
    return gettext("%(percent)s%% against the time before") % {
        "percent": f"{percent:+,}" if percent else "±0"
    }


def _was(value: str) -> str:
    return "" if value == EMPTY else gettext("before: %(value)s") % {"value": value}


def _percent(share: float | None) -> str:
    """Cut and not rounded: 100 % are all of them."""
    return EMPTY if share is None else f"{math.floor(share * 1000 + 1e-9) / 10:g}%"


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return EMPTY
    return gettext("over 1 hour") if math.isinf(seconds) else duration(timedelta(seconds=seconds))


# --- the chart


def _columns(found: History, bot: UUID | None) -> Iterator[Column]:
    most = max(arrived(bar.counts) for bar in found.bars) or 1
    place = WIDTH / len(found.bars)
    for number, bar in enumerate(found.bars):
        yield Column(
            x=f"{place * (number + GAP / 2):.1f}",
            width=f"{place * (1 - GAP):.1f}",
            hit_x=f"{place * number:.1f}",
            hit_width=f"{place:.1f}",
            label=f"{_period(bar, found.window)}: {_words(bar.counts)}",
            link=_log(bot, bar.start, bar.end) if arrived(bar.counts) else "",
            parts=list(_parts(bar.counts, most)),
        )


def _parts(counts: EventCount, most: int) -> Iterator[BarPart]:
    """From the bottom; what there is is seen, however little of the whole."""
    top = float(HEIGHT)
    for outcome in STATUSES:
        if number := getattr(counts, outcome):
            height = max(2.0, number * HEIGHT / most)
            top = max(0.0, top - height)
            yield BarPart(outcome, f"{top:.1f}", f"{height:.1f}")


def _legend(found: History, bot: UUID | None) -> Iterator[tuple[str, str, str, str]]:
    """Outcome, its name, how many, their list."""
    for outcome, status in STATUSES.items():
        if number := getattr(found.total, outcome):
            link = _log(bot, found.bars[0].start, outcome=outcome)
            yield outcome, str(EventStatus(status).label), f"{number:,}", link


def _words(counts: EventCount) -> str:
    number = arrived(counts)
    words = ngettext("%(count)s event", "%(count)s events", number) % {"count": f"{number:,}"}
    parts = [
        f"{EventStatus(status).label} {getattr(counts, outcome):,}"
        for outcome, status in STATUSES.items()
        if getattr(counts, outcome)
    ]
    return gettext(", ").join([words, *parts])


def _numbers(counts: EventCount) -> list[str]:
    return [f"{getattr(counts, outcome):,}" for outcome in STATUSES]


def _chart_title(found: History) -> str:
    return gettext("Events of the past %(window)s by what became of them: %(words)s") % {
        "window": TABS[found.window.name],
        "words": _words(found.total),
    }


def _period(bar: Bar, window: Window) -> str:
    end = timezone.localtime(bar.end)
    return f"{_moment(bar.start, window)}–{end:%H:%M}"


def _moment(moment: datetime, window: Window) -> str:
    """In the portal's time zone; with the day where the window has several."""
    local = timezone.localtime(moment)
    return f"{local:%m-%d %H:%M}" if window.bar * window.bars > timedelta(hours=1) else f"{local:%H:%M}"


def _log(bot: UUID | None, since: datetime, until: datetime | None = None, *, outcome: str = "") -> str:
    """The events of a span in the log."""
    filters = {"from": f"{timezone.localtime(since):%Y-%m-%dT%H:%M}"}
    if until is not None:
        filters["until"] = f"{timezone.localtime(until):%Y-%m-%dT%H:%M}"
    if outcome:
        filters["status__exact"] = STATUSES[outcome].value
    if bot is not None:
        filters["bot__id__exact"] = str(bot)
    return list_link("events_event", **filters)
