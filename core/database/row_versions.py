"""Which version of a row was read, so that a later statement can find out whether it is still that one.

PostgreSQL's system columns: ``xmin`` is the transaction that wrote the version, ``ctid`` where it lies, since one transaction
can write several. They spare a call of the proxy all reads but one statement, which is why they are used there, and
nowhere else (import-linter knows who may). Versions live in the memory of one process for as long as its cached rows: the
number of a transaction comes back after four thousand million others, so nothing may store them. VACUUM FULL moves rows;
that costs one read more. See docs/adr/0013-row-versions.md.
"""

from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import CharField, Expression, Model, QuerySet

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.sql.compiler import SQLCompiler

NAME = "row_version"

Q = TypeVar("Q", bound=QuerySet[Any])


class RowVersion(Expression):
    """The version of a row; empty on SQLite, which numbers none."""

    output_field = CharField()

    def as_sql(
        self,
        compiler: "SQLCompiler",
        connection: "BaseDatabaseWrapper",
    ) -> tuple[str, tuple[str | int, ...]]:
        if connection.vendor != "postgresql":
            return "''", ()
        return version_in_sql(f'"{compiler.query.get_initial_alias()}"'), ()


def with_versions(rows: Q) -> Q:
    """``rows``, each of which ``version_of`` then knows the version of."""
    return rows.annotate(**{NAME: RowVersion()})


def version_of(row: Model) -> str:
    """The version of a row that was read by ``with_versions``; empty for any other, and on SQLite."""
    version: str = vars(row).get(NAME, "")
    return version


def version_in_sql(alias: str) -> str:
    """The version of the row ``alias`` stands for, in PostgreSQL's SQL."""
    return f"({alias}.xmin::text || {alias}.ctid::text)"
