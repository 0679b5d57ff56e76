"""Storing a batch of events in one statement, each once: a duplicate is counted, not stored again. The inbox."""

import logging
from collections.abc import Sequence
from operator import attrgetter
from uuid import UUID

import psycopg
from django.db import DataError, Error, IntegrityError, connection, transaction
from django.db.models import F
from msgspec import Struct

from core.database.errors import described
from core.database.sql import plain
from core.database.sqlite import WRITE_TURNS
from core.log_pace import THINNED
from events.ingress.incoming import IncomingEvent
from events.models import Event

COLUMNS = (
    "bot_id", "dedupe_key", "event_id", "event_type", "arrived_by", "status", "payload",
    "tenant_key", "trace_id", "created_at", "received_at", "error",
)  # fmt: skip
_POSTGRES_TYPES = (
    "uuid", "text", "text", "text", "text", "text", "bytea",
    "text", "text", "timestamptz", "timestamptz", "text",
)  # fmt: skip
SQLITE_ROWS = 200  # a row has 12 parameters, SQLite takes 32,766
_row = attrgetter(*COLUMNS)

Key = tuple[UUID, str]

logger = logging.getLogger(__name__)


class Stored(Struct, frozen=True, gc=False):
    """The result of storing an event. ``event_pk``: of the new row; None for a duplicate, or where the bot is gone."""

    event_pk: int | None

    @property
    def is_new(self) -> bool:
        return self.event_pk is not None


def store(events: Sequence[IncomingEvent], *, count_duplicates: bool = True) -> list[Stored]:
    """Store a batch; the result of each event, in order. When this returns, the rows are committed.
    ``count_duplicates``: False saves the statement that counts them.

    Raises django.db.Error when the database cannot be reached; then nothing of the batch may be acknowledged.
    """
    try:
        with WRITE_TURNS.first():
            new = _insert(events)
    except (DataError, IntegrityError) as error:
        return _store_in_halves(events, error, count_duplicates=count_duplicates)
    results, repeated = [], []
    for event in events:
        # The key leaves the dictionary with its first event: a second one in the same batch is a duplicate.
        pk = new.pop((event.bot_id, event.dedupe_key), None)
        results.append(Stored(pk))
        if pk is None:
            repeated.append(event)
    if not count_duplicates:
        return results
    try:
        _count_duplicates(repeated)
    except Error as error:
        # The batch is committed: for a count that is too low it must not be pushed again, with its clicks unanswered.
        logger.warning("duplicates_not_counted", extra=described(error) | THINNED)
    return results


def _store_in_halves(
    events: Sequence[IncomingEvent], error: Exception, *, count_duplicates: bool
) -> list[Stored]:
    """One row spoils the batch, e.g. because its bot was deleted meanwhile: the others are stored all the same."""
    if len(events) == 1:
        event = events[0]
        logger.error(
            "event_not_storable",
            extra={"bot": str(event.bot_id), "event_id": event.event_id, **described(error)},
        )
        return [Stored(None)]
    middle = len(events) // 2
    halves = (events[:middle], events[middle:])
    return [stored for half in halves for stored in store(half, count_duplicates=count_duplicates)]


def _insert(events: Sequence[IncomingEvent]) -> dict[Key, int]:
    # Always the same order, so that two writers never wait for each other in a circle.
    ordered = sorted(events, key=lambda event: (event.bot_id.int, event.dedupe_key))
    insert = _insert_postgres if connection.vendor == "postgresql" else _insert_sqlite
    return insert([_row(event) for event in ordered])


def _insert_postgres(rows: list[tuple[object, ...]]) -> dict[Key, int]:
    """One statement with one binary array for each column; psycopg's text arrays would cost more than the rest."""
    arrays = ", ".join(f"%b::{kind}[]" for kind in _POSTGRES_TYPES)
    columns = ", ".join(COLUMNS)
    sql = (
        f"INSERT INTO {Event._meta.db_table} ({columns}) SELECT * FROM unnest({arrays}) "  # noqa: S608 -- constants
        "ON CONFLICT (bot_id, dedupe_key) DO NOTHING RETURNING id, bot_id, dedupe_key"
    )
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(sql, [list(column) for column in zip(*rows, strict=True)])
        return {(bot_id, key): pk for pk, bot_id, key in cursor.fetchall()}


def _insert_sqlite(rows: list[tuple[object, ...]]) -> dict[Key, int]:
    row = f"({', '.join(['%s'] * len(COLUMNS))})"
    new: dict[Key, int] = {}
    with transaction.atomic(), connection.cursor() as cursor:
        for start in range(0, len(rows), SQLITE_ROWS):
            part = rows[start : start + SQLITE_ROWS]
            cursor.execute(
                f"INSERT INTO {Event._meta.db_table} ({', '.join(COLUMNS)}) "  # noqa: S608 -- constants
                f"VALUES {', '.join([row] * len(part))} "
                "ON CONFLICT (bot_id, dedupe_key) DO NOTHING RETURNING id, bot_id, dedupe_key",
                [plain(value) for values in part for value in values],
            )
            new |= {(UUID(bot_id), key): pk for pk, bot_id, key in cursor.fetchall()}
    return new


def _count_duplicates(repeated: Sequence[IncomingEvent]) -> None:
    keys: dict[UUID, list[str]] = {}
    for event in repeated:
        keys.setdefault(event.bot_id, []).append(event.dedupe_key)
    for bot_id, dedupe_keys in keys.items():
        Event.objects.filter(bot_id=bot_id, dedupe_key__in=dedupe_keys).update(duplicates=F("duplicates") + 1)
