"""Scanning indexes of the event log in its order, and choosing the index that meets the fewest other events.

Of several indexes the one is scanned on which a probe of the same length reaches farthest into the log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet
from django.db.models.expressions import RawSQL

from events.log.criteria import EventCriteria
from events.models import Event

PROBE_STEPS = 1_000
MAX_MERGED_BOTS = 50
"""Bots whose parts of an index are merged; of more, the whole log is scanned."""
SCAN_SETTINGS = {
    "cpu_tuple_cost": "100",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",  # or it compiles a statement whose cost it takes to be immense
}
"""Settings under which PostgreSQL scans an index, and the one that meets the fewest rows. By itself it prefers the table,
hoping to find a match soon: for a bot that has fallen silent it would read all events of the others since."""


@dataclass(frozen=True, slots=True)
class Backward:
    """Newest first: from below ``before`` (None: from the end) to above ``floor``."""

    before: int | None
    floor: int
    sign: str = "-"
    order: str = "DESC"

    def bounds(self, key: str) -> dict[str, int]:
        """The part of the log that is scanned, as a filter."""
        upper = {} if self.before is None else {f"{key}__lt": self.before}
        return upper | ({f"{key}__gt": self.floor} if self.floor else {})

    def until(self, key: str, edge: int) -> dict[str, int]:
        return {f"{key}__gte": edge}

    def farthest(self, numbers: Sequence[int]) -> int:
        return min(numbers)


@dataclass(frozen=True, slots=True)
class Forward:
    """Oldest first: from above ``after`` to ``last``, inclusive."""

    after: int
    last: int
    sign: str = ""
    order: str = "ASC"

    def bounds(self, key: str) -> dict[str, int]:
        """The part of the log that is scanned, as a filter."""
        return {f"{key}__gt": self.after, f"{key}__lte": self.last}

    def until(self, key: str, edge: int) -> dict[str, int]:
        return {f"{key}__lte": edge}

    def farthest(self, numbers: Sequence[int]) -> int:
        return max(numbers)


Direction = Backward | Forward
Statement = tuple[str, Sequence[Any]]
"""SQL whose rows are one event number each, and its parameters."""


@dataclass(frozen=True, slots=True)
class IndexPath:
    """Parts of one index, each in the order of the log, that together hold every match once.

    ``serves``: the criteria that every event of the parts meets. ``includes_status``: the index itself holds the status,
    so that checking it does not read the table. ``key``: the column with the event's number.
    """

    parts: Sequence[QuerySet[Any]]
    serves: frozenset[str] = frozenset()
    includes_status: bool = False
    key: str = "pk"

    def unchecked(self, criteria: EventCriteria) -> EventCriteria:
        """The criteria that events on this path still have to be checked for."""
        return criteria.without(self.serves)

    def numbers(
        self,
        direction: Direction,
        *,
        limit: int,
        skip: int = 0,
        edge: int | None = None,
        statuses: Sequence[str] = (),
    ) -> Statement:
        """Event numbers in the order of the scan, up to ``edge``: ``limit`` of them after the first ``skip``, and of those
        the ones with these ``statuses``."""
        bounds = direction.bounds(self.key) | ({} if edge is None else direction.until(self.key, edge))
        columns = {"number": F(self.key)} | ({"event_status": F("status")} if statuses else {})
        statements: list[str] = []
        parameters: list[Any] = []
        for part in self.parts:
            rows = part.filter(**bounds).order_by(f"{direction.sign}{self.key}")[: skip + limit]
            sql, values = rows.values(**columns).query.sql_with_params()
            # SQLite takes an ORDER BY in a compound statement only one level down.
            statements.append(f"SELECT {', '.join(columns)} FROM ({sql}) AS part")  # noqa: S608 -- compiled by the ORM
            parameters += values
        scan = f"{' UNION ALL '.join(statements)} ORDER BY 1 {direction.order} LIMIT {int(limit)} OFFSET {int(skip)}"
        if not statuses:
            return scan, parameters
        places = ", ".join(["%s"] * len(statuses))
        # Checked after LIMIT: as one condition among others it could lead PostgreSQL to another index.
        chosen = f"SELECT number FROM ({scan}) AS scan WHERE event_status IN ({places}) ORDER BY 1 {direction.order}"  # noqa: S608 -- likewise
        return chosen, [*parameters, *statuses]


def index_paths(criteria: EventCriteria) -> list[IndexPath]:
    """The paths to the matches, at least one; ``criteria.bots`` must not be empty."""
    rows, bots, event_type = Event.objects.all(), criteria.bots, criteria.event_type
    typed = {"event_type": event_type} if event_type else {}
    found: list[IndexPath] = []
    if bots is not None and len(bots) <= MAX_MERGED_BOTS:
        parts = [rows.filter(bot_id=bot, **typed) for bot in bots]
        found.append(IndexPath(parts, frozenset({"bots", *typed}), includes_status=True))
    elif event_type:
        found.append(IndexPath([rows.filter(**typed)], frozenset(typed), includes_status=True))
    if criteria.statuses:
        parts = [rows.filter(status=status) for status in criteria.statuses]
        found.append(IndexPath(parts, frozenset({"statuses"})))
    if criteria.handler:
        served = {"handler"} if criteria.subscription else {"handler", "fingerprint"}
        found.append(IndexPath([criteria.dead_runs()], frozenset(served), key="event_id"))
    if criteria.subscription:
        served = {"subscription"} if criteria.handler else {"subscription", "fingerprint"}
        found.append(IndexPath([criteria.dead_deliveries()], frozenset(served), key="event_id"))
    return found or [IndexPath([rows])]


def most_selective(paths: list[IndexPath], direction: Direction) -> IndexPath:
    """The path on which a probe reaches farthest: it meets the fewest events that do not match."""
    if len(paths) == 1:
        return paths[0]
    ends = positions_after(PROBE_STEPS, paths, direction)
    if None in ends:
        return paths[ends.index(None)]
    return paths[ends.index(direction.farthest([end for end in ends if end is not None]))]


def positions_after(steps: int, paths: list[IndexPath], direction: Direction) -> list[int | None]:
    """The event number after so many steps on each path; None where the path ends before."""
    statements: list[str] = []
    parameters: list[Any] = []
    for path in paths:
        sql, values = path.numbers(direction, limit=1, skip=steps)
        statements.append(f"({sql})")
        parameters += values
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(statements)}", parameters)
        return list(cursor.fetchone())


def matching(
    path: IndexPath,
    criteria: EventCriteria,
    direction: Direction,
    *,
    edge: int | None,
    scanned: int,
    limit: int,
) -> Statement:
    """The first ``limit`` numbers on the path, up to ``edge``, whose events meet the criteria; ``scanned`` numbers are checked.

    Every event is checked by itself and in order. As one condition among others the path would only be a suggestion, and
    where its statistics mislead PostgreSQL, it reads many times as much. OFFSET keeps it from turning the check into a
    join.
    """
    criteria = path.unchecked(criteria)
    statuses: tuple[str, ...] = ()
    if path.includes_status:
        statuses, criteria = criteria.statuses, criteria.without({"statuses"})
    scan, parameters = path.numbers(direction, limit=scanned, edge=edge, statuses=statuses)
    if not criteria.conditions():
        return f"{scan} LIMIT {int(limit)}", parameters
    event = Event.objects.filter(criteria.conditions(), pk=RawSQL("scan.number", ()))
    check, values = event.order_by().values("pk").query.sql_with_params()
    sql = (
        f"SELECT number FROM ({scan}) AS scan WHERE EXISTS ({check} LIMIT 1 OFFSET 0)"  # noqa: S608 -- by the ORM
        f" ORDER BY 1 {direction.order} LIMIT {int(limit)}"
    )
    return sql, [*parameters, *values]


def fetch_numbers(statement: Statement) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(*statement)
        return [number for (number,) in cursor.fetchall()]


def count_rows(statement: Statement) -> int:
    sql, parameters = statement
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({sql}) AS found", parameters)  # noqa: S608 -- compiled by the ORM
        return int(cursor.fetchone()[0])
