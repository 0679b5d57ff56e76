"""Which version of a row was read, so that a later statement can find out whether it is still that one."""

from typing import TYPE_CHECKING

from django.db.models import CharField, Expression, Model

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.sql.compiler import SQLCompiler

NAME = "row_version"


class RowVersion(Expression):
    """To annotate rows with: on PostgreSQL the transaction that wrote this version and where it lies, because one
    transaction can write several; empty on SQLite, which tells neither."""

    output_field = CharField()

    def as_sql(
        self,
        compiler: "SQLCompiler",
        connection: "BaseDatabaseWrapper",
    ) -> tuple[str, tuple[str | int, ...]]:
        if connection.vendor != "postgresql":
            return "''", ()
        return version_in_sql(f'"{compiler.query.get_initial_alias()}"'), ()


def version_of(row: Model) -> str:
    """The version of a row that was read with ``annotate(row_version=RowVersion())``; empty where there is none."""
    version: str = vars(row).get(NAME, "")
    return version


def version_in_sql(alias: str) -> str:
    """The version of the row ``alias`` stands for, in PostgreSQL's SQL."""
    return f"({alias}.xmin::text || {alias}.ctid::text)"
