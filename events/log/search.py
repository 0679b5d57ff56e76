"""Searching the event log among millions of events without hurting the database.

A page is read newest first from an index in that order, so that it costs as much as it shows. Where no index serves the
criteria, text in payloads above all, a bounded number of events is scanned: the page says how far back that was, and the
next page goes on from there. Such scans are few at once in a process, for each may keep a connection to the database busy
for seconds: an ``asker``, i.e. an API client or an operator, has a quarter of them at most, else TooManySearchesError, which
is a SearchTooSlowError. Workers of the portal's own ask without a name.
"""

from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import BigIntegerField, QuerySet
from django.db.models.expressions import RawSQL

from bots.models import Bot
from core.background.limits import ConcurrencyLimits
from core.database.counts import BoundedCount
from core.database.text import storable
from events.errors import SearchTooSlowError, TooManySearchesError
from events.log.criteria import EventCriteria
from events.log.index_paths import (
    SCAN_SETTINGS,
    Backward,
    Direction,
    Forward,
    Statement,
    count_rows,
    fetch_numbers,
    index_paths,
    matching,
    most_selective,
    positions_after,
)
from events.models import Event

SCAN_LIMIT = 10_000
"""Events scanned for one page."""
COUNT_SCAN_LIMIT = 3 * SCAN_LIMIT
STATEMENT_SECONDS = 3
MAX_DISORDER = timedelta(hours=1)
"""Events are numbered when they are written and stamped when they arrive: so long they may have waited in between."""
MAX_TEXT = 500  # characters of a search
MAX_SCANS = 12
"""At once in one process."""
MAX_SAME_ID = 200  # events that share an id, e.g. the platform's log id of one request

_scans = ConcurrencyLimits()


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Primary keys in the order of the search.

    ``cursor``: where the next page goes on; None at the end. ``is_cut``: the page ends because ``SCAN_LIMIT`` events were
    scanned, not because it is full.
    """

    pks: list[int]
    cursor: int | None
    is_cut: bool


def newest(
    criteria: EventCriteria,
    *,
    before: int | None = None,
    limit: int,
    scan_limit: int = SCAN_LIMIT,
    asker: Hashable = None,
) -> SearchPage:
    """Matching events older than ``before``, newest first. Raises SearchTooSlowError."""
    return _page(criteria, _backward(criteria, before), limit=limit, scan_limit=scan_limit, asker=asker)


def oldest(
    criteria: EventCriteria,
    *,
    after: int = 0,
    last: int,
    limit: int,
    scan_limit: int = SCAN_LIMIT,
    asker: Hashable = None,
) -> SearchPage:
    """Matching events newer than ``after`` up to ``last``, oldest first. Raises SearchTooSlowError."""
    forward = Forward(max(after, _floor(criteria)), last)
    return _page(criteria, forward, limit=limit, scan_limit=scan_limit, asker=asker)


def resolve(text: str, criteria: EventCriteria) -> EventCriteria:
    """``criteria`` narrowed by what a person typed: the events with that id or, if there are none, the text in the payload.

    Ids are the platform's event id, its log id, and the id of a message.
    """
    text = storable(text.strip(), MAX_TEXT)
    if not text:
        return criteria
    rows = Event.objects.all() if criteria.bots is None else Event.objects.filter(bot_id__in=criteria.bots)
    # A query each, so that none costs more than its index.
    lookups = [rows.filter(event_id=text), rows.filter(trace_id=text)]
    if text.startswith("om_"):
        # The index begins with the bot.
        of_bots = rows.filter(bot__in=Bot.objects.all()) if criteria.bots is None else rows
        lookups.append(of_bots.filter(dedupe_key=f"message:{text}"))
    with statement_timeout():
        pks = {pk for found in lookups for pk in found.order_by().values_list("pk", flat=True)[:MAX_SAME_ID]}
    if not pks:
        return replace(criteria, text=text)
    if criteria.pks is not None:
        pks &= set(criteria.pks)
    return replace(criteria, pks=tuple(sorted(pks)))


def count_matching(
    criteria: EventCriteria, *, most: int, scan_limit: int = COUNT_SCAN_LIMIT, asker: Hashable = None
) -> BoundedCount:
    """How many events match, counted up to ``most``; ``is_more`` also where ``scan_limit`` ended the count.

    Raises SearchTooSlowError.
    """
    backward = _backward(criteria)
    with _searching(criteria, backward, limit=most + 1, scan_limit=scan_limit, asker=asker) as (
        statement,
        edge,
    ):
        count = count_rows(statement)
    return BoundedCount(min(count, most), is_more=count > most or edge is not None)


def arrived_since(moment: datetime, *, bots: tuple[UUID, ...] | None, most: int) -> QuerySet[Event]:
    """Events of ``bots`` (None: of every bot) since ``moment``, for counting.

    Only the newest ``most`` are scanned: of these bots, or of the whole log where they are too many to be merged.
    """
    criteria = EventCriteria(bots=bots, since=moment)
    if bots == ():
        return Event.objects.none()
    [path] = index_paths(criteria)
    scanned = RawSQL(*path.numbers(Backward(None, 0), limit=most))  # noqa: S611 -- by the ORM
    return Event.objects.filter(path.unchecked(criteria).conditions(), pk__in=scanned)


@contextmanager
def statement_timeout(
    seconds: float = STATEMENT_SECONDS, *, settings: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Bound each statement of the block; ``settings`` are further settings of PostgreSQL for it.

    SQLite has no such timeout; there the scan limit has to do. Raises SearchTooSlowError.
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


def number_at(moment: datetime) -> int | None:
    """A number above those of all events that arrived before ``moment``; None where none arrived since."""
    later = Event.objects.filter(received_at__gte=moment + MAX_DISORDER)
    return later.order_by("received_at").values_list("pk", flat=True).first()


def _backward(criteria: EventCriteria, before: int | None = None) -> Backward:
    if before is not None:
        before = min(max(before, 0), BigIntegerField.MAX_BIGINT)
    ceiling = number_at(criteria.until) if criteria.until else None
    if before is None or (ceiling is not None and ceiling < before):
        before = ceiling
    return Backward(before, _floor(criteria))


def _floor(criteria: EventCriteria) -> int:
    """No match has this number or a smaller one."""
    if not criteria.since:
        return 0
    before = Event.objects.filter(received_at__lt=criteria.since - MAX_DISORDER)
    return before.order_by("-received_at").values_list("pk", flat=True).first() or 0


def _page(
    criteria: EventCriteria, direction: Direction, *, limit: int, scan_limit: int, asker: Hashable
) -> SearchPage:
    searching = _searching(criteria, direction, limit=limit + 1, scan_limit=scan_limit, asker=asker)
    with searching as (statement, edge):
        pks = fetch_numbers(statement)
    if len(pks) > limit:
        return SearchPage(pks[:limit], pks[limit - 1], is_cut=False)
    return SearchPage(pks, edge, is_cut=edge is not None)


@contextmanager
def _searching(
    criteria: EventCriteria, direction: Direction, *, limit: int, scan_limit: int, asker: Hashable
) -> Iterator[tuple[Statement, int | None]]:
    """The statement that finds the first ``limit`` matches, and the number at which it gives up; None where it scans to the
    end."""
    if () in (criteria.bots, criteria.pks):
        yield ("SELECT 0 WHERE 1 = 0", ()), None
        return
    if criteria.pks is not None:
        named = Event.objects.filter(criteria.conditions(), **direction.bounds("pk"))
        in_order = named.order_by(f"{direction.sign}pk").values("pk")
        yield in_order[:limit].query.sql_with_params(), None
        return
    paths = index_paths(criteria)
    with statement_timeout(settings=SCAN_SETTINGS):
        for path in paths:
            if not path.unchecked(criteria).conditions():
                yield path.numbers(direction, limit=limit), None
                return
        with (
            _scans.fair_place(asker, limit=MAX_SCANS, full=TooManySearchesError()) if asker else nullcontext()
        ):
            path = most_selective(paths, direction)
            [edge] = positions_after(scan_limit, [path], direction)
            yield matching(path, criteria, direction, edge=edge, scanned=scan_limit + 1, limit=limit), edge
