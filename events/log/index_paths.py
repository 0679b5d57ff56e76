"""The ways an index knows to the events somebody looks for, and walking them in the order of the log.

Of several ways the one is taken on which as many steps lead farthest: it has the fewest events that do not match.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet
from django.db.models.expressions import RawSQL

from events.log.criteria import EventCriteria
from events.models import Event

PROBE = 1_000  # steps after which it shows which way leads farther
MAX_STREAMS = 50  # bots read side by side, each from its own index
# Settings under which PostgreSQL walks an index, and the one that meets the fewest rows. It would leave it for the table,
# where rows lie side by side, in the hope of finding soon what it looks for: of a bot that has fallen silent, it would read
# all that others have had since.
WALKING = {
    "cpu_tuple_cost": "100",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",  # or it compiles what it then believes to be immense
}


@dataclass(frozen=True, slots=True)
class Newest:
    """Backwards, from before one number to after another."""

    before: int | None
    floor: int
    sign: str = "-"
    order: str = "DESC"

    def bounds(self, key: str) -> dict[str, int]:
        """The part of the log that is left to walk, as a filter."""
        upper = {} if self.before is None else {f"{key}__lt": self.before}
        return upper | ({f"{key}__gt": self.floor} if self.floor else {})

    def until(self, key: str, edge: int) -> dict[str, int]:
        return {f"{key}__gte": edge}

    def farthest(self, numbers: Sequence[int]) -> int:
        return min(numbers)


@dataclass(frozen=True, slots=True)
class Oldest:
    """Forwards, from after one number up to and with another."""

    after: int
    last: int
    sign: str = ""
    order: str = "ASC"

    def bounds(self, key: str) -> dict[str, int]:
        """The part of the log that is left to walk, as a filter."""
        return {f"{key}__gt": self.after, f"{key}__lte": self.last}

    def until(self, key: str, edge: int) -> dict[str, int]:
        return {f"{key}__lte": edge}

    def farthest(self, numbers: Sequence[int]) -> int:
        return max(numbers)


Direction = Newest | Oldest
Statement = tuple[str, Sequence[Any]]
"""SQL whose rows are one number each, and its parameters."""


@dataclass(frozen=True, slots=True)
class AccessPath:
    """Parts of an index that have the log in order and together hold every match, each event once.

    ``serves``: the criteria that hold for all of it. ``key``: the column with an event's number.
    """

    parts: Sequence[QuerySet[Any]]
    serves: frozenset[str] = frozenset()
    key: str = "pk"

    def left(self, criteria: EventCriteria) -> EventCriteria:
        """What events on this path still have to be checked for."""
        return criteria.without(self.serves)

    def statement(
        self, direction: Direction, *, edge: int | None = None, limit: int | None = None, skip: int = 0
    ) -> Statement:
        """The numbers in the order of the walk as far as ``edge``: ``limit`` of them after the first ``skip``."""
        bounds = direction.bounds(self.key) | ({} if edge is None else direction.until(self.key, edge))
        statements: list[str] = []
        parameters: list[Any] = []
        for part in self.parts:
            rows = part.filter(**bounds).order_by(f"{direction.sign}{self.key}")
            if limit is not None:
                rows = rows[: skip + limit]
            sql, values = rows.values(number=F(self.key)).query.sql_with_params()
            # SQLite takes an ORDER BY in a compound statement only one level down.
            statements.append(f"SELECT number FROM ({sql}) AS part")  # noqa: S608 -- compiled by the ORM
            parameters += values
        bound = "" if limit is None else f" LIMIT {int(limit)} OFFSET {int(skip)}"
        return f"{' UNION ALL '.join(statements)} ORDER BY 1 {direction.order}{bound}", parameters


def access_paths(criteria: EventCriteria) -> list[AccessPath]:
    """The ways to the matches, at least one; ``bots`` must not be empty."""
    rows, bots, event_type = Event.objects.all(), criteria.bots, criteria.event_type
    typed = {"event_type": event_type} if event_type else {}
    found: list[AccessPath] = []
    if bots is not None and len(bots) <= MAX_STREAMS:
        streams = [rows.filter(bot_id=bot, **typed) for bot in bots]
        found.append(AccessPath(streams, frozenset({"bots", *typed})))
    elif event_type:
        found.append(AccessPath([rows.filter(**typed)], frozenset(typed)))
    if criteria.statuses:
        streams = [rows.filter(status=status) for status in criteria.statuses]
        found.append(AccessPath(streams, frozenset({"statuses"})))
    if criteria.handler:
        dead = criteria.dead_deliveries()
        found.append(AccessPath([dead], frozenset({"handler", "error_print"}), key="event_id"))
    return found or [AccessPath([rows])]


def farthest(paths: list[AccessPath], direction: Direction) -> AccessPath:
    """The path on which a probe leads farthest."""
    if len(paths) == 1:
        return paths[0]
    ends = reached(paths, direction, steps=PROBE)
    if None in ends:
        return paths[ends.index(None)]
    return paths[ends.index(direction.farthest([end for end in ends if end is not None]))]


def reached(paths: list[AccessPath], direction: Direction, *, steps: int) -> list[int | None]:
    """The number that comes after so many steps on each path; None where the path ends before."""
    statements: list[str] = []
    parameters: list[Any] = []
    for path in paths:
        sql, values = path.statement(direction, limit=1, skip=steps)
        statements.append(f"({sql})")
        parameters += values
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(statements)}", parameters)
        return list(cursor.fetchone())


def checked(
    path: AccessPath, edge: int | None, criteria: EventCriteria, direction: Direction, *, limit: int
) -> Statement:
    """The first numbers on the path, as far as ``edge``, whose events meet the criteria.

    Each is looked at by itself and in order, and the database may not choose otherwise. As one condition among others
    the path would be nothing but a suggestion, and where its statistics deceive it, PostgreSQL reads many times what was
    to be looked at. OFFSET keeps it from that: no such query is turned into a join.
    """
    walk, parameters = path.statement(direction, edge=edge)
    event = Event.objects.filter(criteria.conditions(), pk=RawSQL("walk.number", ()))
    check, values = event.order_by().values("pk").query.sql_with_params()
    sql = (
        f"SELECT number FROM ({walk}) AS walk WHERE EXISTS ({check} LIMIT 1 OFFSET 0)"  # noqa: S608 -- by the ORM
        f" ORDER BY 1 {direction.order} LIMIT {int(limit)}"
    )
    return sql, [*parameters, *values]


def numbers(statement: Statement) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(*statement)
        return [number for (number,) in cursor.fetchall()]


def count(statement: Statement) -> int:
    sql, parameters = statement
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({sql}) AS found", parameters)  # noqa: S608 -- compiled by the ORM
        return int(cursor.fetchone()[0])
