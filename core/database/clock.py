"""The database's clock, the only one by which several processes agree whether a lease has run out."""

from typing import Any

from django.db import connection as default
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateTimeField, Func, Value
from django.db.models.sql.compiler import SQLCompiler

POSTGRESQL = "(CLOCK_TIMESTAMP() + MAKE_INTERVAL(secs => {}))"
SQLITE = "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f000', 'now', {} || ' seconds')"
"""With the digits that Django writes, because SQLite compares times as text."""


def from_now(seconds: float) -> tuple[str, float]:
    """``DatabaseTime`` for SQL that is written, and its parameter."""
    return (POSTGRESQL if default.vendor == "postgresql" else SQLITE).format("%s"), seconds


class DatabaseTime(Func):
    """The moment ``ahead`` seconds from now (negative: ago), by the clock itself and not as of the transaction's start."""

    output_field = DateTimeField()

    def __init__(self, ahead: float = 0.0) -> None:
        super().__init__(Value(float(ahead)))

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra_context: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        template = POSTGRESQL.format("%(expressions)s")
        return self.as_sql(compiler, connection, template=template, **extra_context)

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra_context: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        template = SQLITE.replace("%%", "%%%%").format("%(expressions)s")
        return self.as_sql(compiler, connection, template=template, **extra_context)
