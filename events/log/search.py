"""Finding events among millions without hurting the database.

A page is read newest first from an index that is in that order already, so that it costs what it shows. What no index
serves, text in payloads above all, is looked for in a stretch of bounded length; the page says how far back it has
looked, and the next one goes on from there.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from core.database.text import storable
from events.errors import SearchTooSlowError
from events.log.criteria import EventCriteria
from events.log.index_paths import (
    WALKING,
    Direction,
    Newest,
    Oldest,
    Statement,
    access_paths,
    checked,
    count,
    farthest,
    numbers,
    reached,
)
from events.models import Event

STRETCH = 10_000  # rows looked at for one page
COUNTED = 3 * STRETCH  # and for a count
STATEMENT_SECONDS = 3
# Rows are numbered when they are written and stamped when they arrive: an hour covers what waited in between.
DISORDER = timedelta(hours=1)
MAX_TEXT = 500  # characters looked for
MAX_SAME_ID = 200  # events that share an id, e.g. the platform's log id of one request


@dataclass(frozen=True, slots=True)
class Found:
    """A page of primary keys in the order of the walk.

    ``cursor``: where to go on; None at the end. ``is_cut``: the page ends because enough rows were looked at, not
    because it is full.
    """

    pks: list[int]
    cursor: int | None
    is_cut: bool


def newest(
    criteria: EventCriteria, *, before: int | None = None, limit: int, stretch: int = STRETCH
) -> Found:
    """Matching events, newest first, older than ``before``. Raises SearchTooSlowError."""
    return _walk(criteria, _newest(criteria, before), limit=limit, stretch=stretch)


def oldest(
    criteria: EventCriteria, *, after: int = 0, last: int, limit: int, stretch: int = STRETCH
) -> Found:
    """Matching events, oldest first, newer than ``after`` up to and with ``last``. Raises SearchTooSlowError."""
    return _walk(criteria, Oldest(max(after, _floor(criteria)), last), limit=limit, stretch=stretch)


def resolve(text: str, criteria: EventCriteria) -> EventCriteria:
    """``criteria`` and what was typed into a search: the events with that id, or else the text in their payload.

    Ids are the platform's event id, its log id, and the id of a message.
    """
    text = storable(text.strip(), MAX_TEXT)
    if not text:
        return criteria
    rows = Event.objects.all() if criteria.bots is None else Event.objects.filter(bot_id__in=criteria.bots)
    # One look-up for each: none of them may cost more than its index.
    ids = [rows.filter(event_id=text), rows.filter(trace_id=text)]
    if text.startswith("om_"):
        bots = Event.bot.field.related_model.objects.values("pk") if criteria.bots is None else criteria.bots  # type: ignore[attr-defined]
        ids.append(Event.objects.filter(bot_id__in=bots, dedupe_key=f"message:{text}"))
    with bounded_time():
        pks = {pk for found in ids for pk in found.order_by().values_list("pk", flat=True)[:MAX_SAME_ID]}
    if not pks:
        return replace(criteria, text=text)
    if criteria.pks is not None:
        pks &= set(criteria.pks)
    return replace(criteria, pks=tuple(sorted(pks)))


def count_up_to(criteria: EventCriteria, *, most: int, stretch: int = COUNTED) -> tuple[int, bool]:
    """How many events match, counted no further than ``most``; and whether there may be more.

    Raises SearchTooSlowError.
    """
    with _searching(criteria, _newest(criteria), limit=most + 1, stretch=stretch) as (statement, edge):
        counted = count(statement)
    return min(counted, most), counted > most or edge is not None


def arrived_since(moment: datetime, *, bots: tuple[UUID, ...] | None, most: int) -> QuerySet[Event]:
    """Events of ``bots`` since then, to be counted; None is every bot.

    The newest ``most`` are looked at, of those bots, or where they are too many to be read side by side, of all.
    """
    criteria = EventCriteria(bots=bots, since=moment)
    if bots == ():
        return Event.objects.none()
    [path] = access_paths(criteria)
    looked_at = RawSQL(*path.statement(Newest(None, 0), limit=most))  # noqa: S611 -- by the ORM
    return Event.objects.filter(path.left(criteria).conditions(), pk__in=looked_at)


@contextmanager
def bounded_time(
    seconds: float = STATEMENT_SECONDS, *, settings: Mapping[str, str] | None = None
) -> Iterator[None]:
    """No statement in here may take longer; ``settings`` of PostgreSQL hold as long.

    SQLite has no such limit; there the bounded stretch has to do. Raises SearchTooSlowError.
    """
    if connection.vendor != "postgresql":
        yield
        return
    held = {"statement_timeout": str(int(seconds * 1000)), **(settings or {})}
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("; ".join(f"SET LOCAL {name} = {value}" for name, value in held.items()))
            yield
            cursor.execute("; ".join(f"SET LOCAL {name} = DEFAULT" for name in held))
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") == "57014":  # query_canceled
            raise SearchTooSlowError from error
        raise


# --- the walk


def _newest(criteria: EventCriteria, before: int | None = None) -> Newest:
    ceiling = _ceiling(criteria)
    if before is None or (ceiling is not None and ceiling < before):
        before = ceiling
    return Newest(before, _floor(criteria))


def _walk(criteria: EventCriteria, direction: Direction, *, limit: int, stretch: int) -> Found:
    with _searching(criteria, direction, limit=limit + 1, stretch=stretch) as (statement, edge):
        return _page(numbers(statement), limit=limit, edge=edge)


@contextmanager
def _searching(
    criteria: EventCriteria, direction: Direction, *, limit: int, stretch: int
) -> Iterator[tuple[Statement, int | None]]:
    """What finds the first matches, and the number at which it gives up; None where it looks at all there is."""
    if () in (criteria.bots, criteria.pks):
        yield ("SELECT 0 WHERE 1 = 0", ()), None
        return
    if criteria.pks is not None:
        named = Event.objects.filter(criteria.conditions(), **direction.bounds("pk"))
        in_order = named.order_by(f"{direction.sign}pk").values("pk")
        yield in_order[:limit].query.sql_with_params(), None
        return
    paths = access_paths(criteria)
    with bounded_time(settings=WALKING):
        for path in paths:
            if not path.left(criteria).conditions():
                yield path.statement(direction, limit=limit), None
                return
        path = farthest(paths, direction)
        [edge] = reached([path], direction, steps=stretch)
        yield checked(path, edge, path.left(criteria), direction, limit=limit), edge


def _page(pks: list[int], *, limit: int, edge: int | None) -> Found:
    """A page of ``pks``, which are one more than it holds where there is another page."""
    if len(pks) > limit:
        return Found(pks[:limit], pks[limit - 1], is_cut=False)
    return Found(pks, edge, is_cut=edge is not None)


# --- time as a place in the log


def _ceiling(criteria: EventCriteria) -> int | None:
    """No match is at this number or above; None where nothing is known."""
    return number_at(criteria.until) if criteria.until else None


def _floor(criteria: EventCriteria) -> int:
    """No match is at this number or below."""
    if not criteria.since:
        return 0
    before = Event.objects.filter(received_at__lt=criteria.since - DISORDER)
    return before.order_by("-received_at").values_list("pk", flat=True).first() or 0


def number_at(moment: datetime) -> int | None:
    """Whatever arrived before ``moment`` has a smaller number than this; None where nothing arrived since."""
    later = Event.objects.filter(received_at__gte=moment + DISORDER)
    return later.order_by("received_at").values_list("pk", flat=True).first()
