"""Finding events among millions without hurting the database.

A page is read newest first from an index that is in that order already, so that it costs what it shows. What no index
serves, text in payloads above all, is looked for in a stretch of bounded length; the page says how far back it has
looked, and the next one goes on from there.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet

from events.domain.criteria import EventCriteria
from events.enums import EventStatus
from events.errors import SearchTooSlowError
from events.models import Event, EventQuerySet
from feishu_portal.access.storable import storable

STRETCH = 10_000  # rows looked at for one page
MAX_STREAMS = 50  # bots read side by side, each from its own index
STATEMENT_SECONDS = 3
# Rows are numbered when they are written and stamped when they arrive: an hour covers what waited in between.
DISORDER = timedelta(hours=1)
COMMON = (EventStatus.DONE, EventStatus.IGNORED)
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
    ceiling = _ceiling(criteria)
    if before is None or (ceiling is not None and ceiling < before):
        before = ceiling
    return _walk(criteria, _Newest(before, _floor(criteria)), limit=limit, stretch=stretch)


def oldest(
    criteria: EventCriteria, *, after: int = 0, last: int, limit: int, stretch: int = STRETCH
) -> Found:
    """Matching events, oldest first, newer than ``after`` up to and with ``last``. Raises SearchTooSlowError."""
    return _walk(criteria, _Oldest(max(after, _floor(criteria)), last), limit=limit, stretch=stretch)


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


def count_up_to(criteria: EventCriteria, *, most: int, looks: int = 5) -> tuple[int, bool]:
    """How many events match, counted no further than ``most``; and whether there may be more."""
    counted, before = 0, None
    for _ in range(looks):
        found = newest(criteria, before=before, limit=most - counted)
        counted += len(found.pks)
        if found.cursor is None:
            return counted, False
        if counted >= most:
            break
        before = found.cursor
    return counted, True


@contextmanager
def bounded_time(seconds: float = STATEMENT_SECONDS) -> Iterator[None]:
    """No statement in here may take longer. SQLite has no such limit; there the bounded stretch has to do.

    Raises SearchTooSlowError.
    """
    if connection.vendor != "postgresql":
        yield
        return
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
            yield
            cursor.execute("SET LOCAL statement_timeout = DEFAULT")
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") == "57014":  # query_canceled
            raise SearchTooSlowError from error
        raise


# --- the walk


@dataclass(frozen=True, slots=True)
class _Newest:
    before: int | None
    floor: int
    order = "-pk"

    def bounds(self) -> dict[str, int]:
        """The part of the log that is left to walk, as a filter."""
        upper = {} if self.before is None else {"pk__lt": self.before}
        return upper | ({"pk__gt": self.floor} if self.floor else {})

    def until(self, edge: int) -> dict[str, int]:
        return {"pk__gte": edge}

    def nearest(self, edges: Sequence[int]) -> int:
        return max(edges)


@dataclass(frozen=True, slots=True)
class _Oldest:
    after: int
    last: int
    order = "pk"

    def bounds(self) -> dict[str, int]:
        return {"pk__gt": self.after, "pk__lte": self.last}

    def until(self, edge: int) -> dict[str, int]:
        return {"pk__lte": edge}

    def nearest(self, edges: Sequence[int]) -> int:
        return min(edges)


_Direction = _Newest | _Oldest


def _walk(criteria: EventCriteria, direction: _Direction, *, limit: int, stretch: int) -> Found:
    rows = Event.objects.filter(**direction.bounds())
    if criteria.pks is not None:
        return _page([rows.filter(criteria.conditions())], direction, limit=limit, edge=None)
    streams, is_exact = _streams(rows, criteria)
    with bounded_time():
        edge = None
        if not is_exact:
            edges = _first(
                [stream.order_by(direction.order)[stretch : stretch + 1] for stream in streams], direction, 0
            )
            if edges:
                edge = direction.nearest(edges)
                streams = [stream.filter(**direction.until(edge)) for stream in streams]
        return _page(
            [stream.filter(criteria.conditions()) for stream in streams], direction, limit=limit, edge=edge
        )


def _page(
    streams: Sequence[QuerySet[Event]], direction: _Direction, *, limit: int, edge: int | None
) -> Found:
    pks = _first([stream.order_by(direction.order)[: limit + 1] for stream in streams], direction, limit + 1)
    if len(pks) > limit:
        return Found(pks[:limit], pks[limit - 1], is_cut=False)
    return Found(pks, edge, is_cut=edge is not None)


def _streams(rows: EventQuerySet, criteria: EventCriteria) -> tuple[list[EventQuerySet], bool]:
    """Parts of the log that an index has in order and that together hold every match; whether they hold nothing else."""
    bots, event_type, statuses = criteria.bots, criteria.event_type, criteria.statuses
    others = any((criteria.arrived_by, criteria.since, criteria.until, criteria.text, criteria.handler))
    if statuses and not event_type and not set(statuses) & set(COMMON):
        return [rows.filter(status=status) for status in statuses], bots is None and not others
    if bots is not None and len(bots) <= MAX_STREAMS:
        typed = {"event_type": event_type} if event_type else {}
        return [rows.filter(bot_id=bot, **typed) for bot in bots], not statuses and not others
    if event_type:
        return [rows.filter(event_type=event_type)], bots is None and not statuses and not others
    if statuses:
        return [rows.filter(status=status) for status in statuses], bots is None and not others
    return [rows], bots is None and not others


def _first(parts: Sequence[QuerySet[Event]], direction: _Direction, limit: int) -> list[int]:
    """The primary keys of the parts, merged in order, in one statement; ``limit`` 0 is all of them."""
    if not parts:
        return []
    if len(parts) == 1:
        return list(parts[0].values_list("pk", flat=True))
    statements: list[str] = []
    parameters: list[Any] = []
    for part in parts:
        sql, values = part.values_list("pk", flat=True).query.sql_with_params()
        # SQLite takes a LIMIT in a compound statement only one level down.
        statements.append(f"SELECT * FROM ({sql}) AS part")  # noqa: S608 -- compiled by the ORM
        parameters += values
    order = "DESC" if direction.order == "-pk" else "ASC"
    sql = f"{' UNION ALL '.join(statements)} ORDER BY 1 {order}{f' LIMIT {int(limit)}' if limit else ''}"
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [pk for (pk,) in cursor.fetchall()]


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
