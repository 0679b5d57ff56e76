"""How handlers did in the past day: by outcome, how long they take, and what failed last.

Only the newest ``NEWEST`` events are looked at, of the day or of a part of it, so that a page costs the same however many
there are.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Count, F
from django.utils import timezone

from bots.models import own_bot_ids
from core.access.models import User
from events.enums import RunStatus
from events.log.index_paths import SCAN_SETTINGS
from events.log.search import arrived_since, statement_timeout
from events.models import HandlerRun

NEWEST: Final = 5_000
"""Events that are looked at."""
DAY: Final = timedelta(hours=24)
MAX_DEAD: Final = 5_000
"""Dead runs among which the last one of each handler is looked for."""


@dataclass(frozen=True, slots=True)
class HandlerFigures:
    """``p95``: 95 of 100 runs take no longer, from the beginning to the end of their last attempt."""

    succeeded: int = 0
    failed: int = 0
    under_way: int = 0
    p95: timedelta | None = None
    last_dead: HandlerRun | None = None


NOTHING: Final = HandlerFigures()


@dataclass(frozen=True, slots=True)
class Figures:
    """By handler. ``is_cut``: there were more events in the past day than were looked at."""

    by_handler: dict[str, HandlerFigures]
    is_cut: bool


def handler_figures(user: User) -> Figures:
    """Of the bots that an operator sees. Raises SearchTooSlowError."""
    bots = own_bot_ids(user)
    if bots == ():
        return Figures({}, is_cut=False)
    events = arrived_since(timezone.now() - DAY, bots=bots, most=NEWEST)
    runs = HandlerRun.objects.filter(event__in=events.order_by().values("pk"), is_current=True).order_by()
    with statement_timeout(settings=SCAN_SETTINGS):
        figures = _figures(runs)
        number = events.aggregate(count=Count("pk"))["count"]
    dead = _last_dead(user)
    names = {*figures, *dead}
    return Figures(
        {name: replace(figures.get(name, NOTHING), last_dead=dead.get(name)) for name in names},
        is_cut=number >= NEWEST,
    )


_RAN: Final = "status IN ('succeeded', 'dead') AND took IS NOT NULL"


def _figures(runs: Any) -> dict[str, HandlerFigures]:
    """All but the last dead run, in one pass over the runs. Neither the ORM nor SQLite has percentiles: the shortest of the
    longest twentieth."""
    rows = runs.values("handler", "status", took=F("finished_at") - F("started_at"))
    sql, parameters = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT handler, COUNT(CASE status WHEN 'succeeded' THEN 1 END), COUNT(CASE status WHEN 'dead' THEN 1 END),"  # noqa: S608 -- compiled by the ORM
            " COUNT(CASE WHEN status NOT IN ('succeeded', 'dead', 'skipped') THEN 1 END),"
            f" MIN(CASE WHEN {_RAN} AND place >= 0.95 THEN took END)"
            f" FROM (SELECT handler, status, took, CUME_DIST() OVER (PARTITION BY handler, {_RAN} ORDER BY took) AS place"
            f" FROM ({sql}) AS runs) AS placed GROUP BY handler",
            parameters,
        )
        return {
            handler: HandlerFigures(succeeded, failed, under_way, _duration(took))
            for handler, succeeded, failed, under_way, took in cursor.fetchall()
        }


def _duration(took: timedelta | int | None) -> timedelta | None:
    """As the database's driver gives it: SQLite's in microseconds."""
    return timedelta(microseconds=took) if isinstance(took, int) else took


def _last_dead(user: User) -> dict[str, HandlerRun]:
    """The newest dead run of each handler, among the newest of all."""
    dead = HandlerRun.objects.visible_to(user).filter(status=RunStatus.DEAD, is_current=True)
    newest: dict[str, int] = {}
    # Only what the index run_dead_newest has: their rows are spread over the whole table.
    for pk, handler in dead.order_by("-pk").values_list("pk", "handler")[:MAX_DEAD]:
        newest.setdefault(handler, pk)
    rows = HandlerRun.objects.only("event_id", "handler", "error", "finished_at").in_bulk(newest.values())
    return {handler: rows[pk] for handler, pk in newest.items() if pk in rows}
