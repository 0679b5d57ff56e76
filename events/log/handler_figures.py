"""How handlers did in the past day: by outcome, how long they take, and what failed last.

Only the newest ``NEWEST`` events are looked at, of the day or of a part of it, so that a page costs the same however many
there are.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Count, F, Q
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
        counted: dict[str, dict[str, Any]] = {
            row["handler"]: dict(row) for row in runs.values("handler").annotate(**_COUNTS)
        }
        slow = _p95(runs)
        number = events.aggregate(count=Count("pk"))["count"]
    dead = _last_dead(user)
    names = {*counted, *dead}
    return Figures(
        {name: _figures(counted.get(name, {}), slow.get(name), dead.get(name)) for name in names},
        is_cut=number >= NEWEST,
    )


_COUNTS: Final = {
    "succeeded": Count("pk", filter=Q(status=RunStatus.SUCCEEDED)),
    "failed": Count("pk", filter=Q(status=RunStatus.DEAD)),
    "ended": Count("pk", filter=Q(status__in=(RunStatus.SUCCEEDED, RunStatus.DEAD, RunStatus.SKIPPED))),
    "all": Count("pk"),
}


def _figures(row: dict[str, Any], p95: timedelta | None, dead: HandlerRun | None) -> HandlerFigures:
    if not row:
        return HandlerFigures(last_dead=dead)
    return HandlerFigures(row["succeeded"], row["failed"], row["all"] - row["ended"], p95, dead)


def _p95(runs: Any) -> dict[str, timedelta]:
    """Neither the ORM nor SQLite has percentiles: the shortest of the longest twentieth."""
    ended = runs.filter(status__in=(RunStatus.SUCCEEDED, RunStatus.DEAD), started_at__isnull=False)
    took = ended.values("handler", took=F("finished_at") - F("started_at"))
    sql, parameters = took.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT handler, MIN(took) FROM (SELECT handler, took, CUME_DIST() OVER (PARTITION BY handler ORDER BY took)"  # noqa: S608 -- compiled by the ORM
            f" AS place FROM ({sql}) AS runs) AS placed WHERE place >= 0.95 GROUP BY handler",
            parameters,
        )
        return {
            handler: took if isinstance(took, timedelta) else timedelta(microseconds=took)
            for handler, took in cursor.fetchall()
            if took is not None
        }


def _last_dead(user: User) -> dict[str, HandlerRun]:
    """The newest dead run of each handler, among the newest of all."""
    dead = HandlerRun.objects.visible_to(user).filter(status=RunStatus.DEAD, is_current=True)
    newest: dict[str, int] = {}
    # Only what the index run_dead_newest has: their rows are spread over the whole table.
    for pk, handler in dead.order_by("-pk").values_list("pk", "handler")[:MAX_DEAD]:
        newest.setdefault(handler, pk)
    rows = HandlerRun.objects.only("event_id", "handler", "error", "finished_at").in_bulk(newest.values())
    return {handler: rows[pk] for handler, pk in newest.items() if pk in rows}
