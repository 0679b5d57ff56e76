"""Raw SQL, for statements that run once with every event: the ORM takes several times as long to write such a statement as
the database to run it. Tables and columns are the models'; one text serves both databases."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.utils import CursorWrapper


def run(sql: str, values: Sequence[object]) -> int:
    """Run a statement that answers nothing; how many rows it touched."""
    with _cursor() as cursor:
        cursor.execute(sql, _bound(values))
        return int(cursor.rowcount)


def ask(sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
    """The rows of a statement that answers, as the database's driver gives them."""
    with _cursor() as cursor:
        cursor.execute(sql, _bound(values))
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def ask_at_once(select: str, values: Sequence[object], columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """The rows of a SELECT with these columns, on SQLite as one row: its driver lets other threads run at every row, and
    each of them may compute for 5 ms, while this one keeps everybody from writing. Numbers and texts alone."""
    if connection.vendor == "postgresql":
        return ask(select, values)
    [(text,)] = ask(
        f"SELECT json_group_array(json_array({', '.join(columns)})) FROM ({select})",  # noqa: S608 -- the caller's constants
        values,
    )
    return [tuple(row) for row in json.loads(text)]


def insert(
    sql: str, values: Sequence[object], *, table: str, returning: Sequence[str]
) -> list[tuple[Any, ...]]:
    """Insert rows into a table whose key counts up; these columns of the new rows, the key as ``id``. In a transaction."""
    if connection.vendor == "postgresql":
        return ask(f"{sql} RETURNING {', '.join(returning)}", values)
    [(last,)] = ask(f"SELECT COALESCE(MAX(id), 0) FROM {table}", ())  # noqa: S608 -- the caller's constant
    run(sql, values)
    new = f"SELECT {', '.join(returning)} FROM {table} WHERE id > %s"  # noqa: S608 -- the caller's constants
    return ask_at_once(new, [last], returning)


def locked() -> str:
    """The clause with which a SELECT locks its rows. SQLite needs none: a writer has the whole database."""
    return "FOR UPDATE" if connection.features.has_select_for_update else ""


def marks(values: Sequence[object]) -> str:
    """A place for each value, for ``IN``; without any it finds nothing."""
    return ", ".join(["%s"] * len(values)) or "NULL"


def any_of(values: Sequence[object]) -> tuple[str, list[object]]:
    """The condition that a column is one of ``values``, to stand behind its name, and its parameters. On PostgreSQL it is
    one text for any number of them, so that the server plans it once."""
    if connection.vendor == "postgresql":
        return "= ANY(%s)", [list(values)]
    return f"IN ({marks(values)})", list(values)


def unnest(types: Mapping[str, str], alias: str) -> str:
    """Rows as a table, for PostgreSQL: one parameter for each column, a list. ``types`` are the types of the columns.

    Arrays are sent in binary: as text they would cost more than the rest of the statement.
    """
    arrays = ", ".join(f"%b::{kind}[]" for kind in types.values())
    return f"unnest({arrays}) AS {alias} ({', '.join(types)})"


def with_rows(
    types: Mapping[str, str], rows: Sequence[Sequence[object]], alias: str
) -> tuple[str, list[object]]:
    """These rows as a table, to stand behind WITH, and its parameters. ``types`` are the types of the columns.

    On PostgreSQL arrays as in ``unnest``, or VALUES where there is a single row: that is half of the work for client and
    server.
    """
    name = f"{alias} ({', '.join(types)}) AS"
    if connection.vendor != "postgresql":
        row = f"({marks(list(types))})"
        return f"{name} (VALUES {', '.join([row] * len(rows))})", [
            value for values in rows for value in values
        ]
    if len(rows) == 1:
        return f"{name} (VALUES ({', '.join(f'%b::{kind}' for kind in types.values())}))", list(rows[0])
    columns: list[object] = [list(column) for column in zip(*rows, strict=True)]
    return name + " (SELECT * FROM " + unnest(types, alias) + ")", columns  # noqa: S608 -- names of columns


def use_indexes() -> None:
    """For the rest of the transaction, have PostgreSQL join a few given rows to a large table by its index.

    A plan is kept for a connection; made while the table was small, or with statistics of another day, it would read the
    whole table for every batch until somebody takes statistics again.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"
            )


def uuid_of(value: UUID | str) -> UUID:
    """A UUID as the database's driver gives it."""
    return value if isinstance(value, UUID) else UUID(value)


def _cursor() -> CursorWrapper:
    """On PostgreSQL one that sends the values beside the text: the server plans such a statement once for a connection,
    which is otherwise half of what it has to do with it."""
    database = connections[DEFAULT_DB_ALIAS]  # ``connection`` would look it up for every name below
    if database.vendor != "postgresql":
        return database.cursor()
    database.ensure_connection()
    own: Any = psycopg.Cursor(database.connection)
    return database.make_cursor(own)


def _bound(values: Sequence[object]) -> Sequence[Any]:
    return values if connection.vendor == "postgresql" else [plain(value) for value in values]


def plain(value: Any) -> Any:
    """As Django keeps it in SQLite; asking each field for that would take longer than the statement."""
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return str(value.astimezone(UTC).replace(tzinfo=None))
    return value
