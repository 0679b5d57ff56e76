"""SELECTs of the ORM's whose text is written once for a process.

For what is asked all the time, and mostly with the same answer: the ORM takes longer to write such a statement than client and
server take to answer it. Conditions stay where the models have them. Values stay what they were when the text was written, so a
moment in it has to be the database's (``DatabaseTime``) and not one that Python's clock gave.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import QuerySet


class Compiled:
    """The rows of ``values_list()``. Safe to ask from any thread."""

    def __init__(self, queryset: Callable[[], QuerySet[Any, Any]]) -> None:
        """``queryset`` is called when first asked: models are there only then."""
        self._queryset = queryset

    @cached_property
    def _written(self) -> tuple[Any, str, tuple[Any, ...]]:
        # A compiler keeps how columns become values. What it says of the connection is the same for those of all threads.
        compiler: Any = self._queryset().query.get_compiler(connection=connection)
        return compiler, *compiler.as_sql()

    def rows(self) -> list[tuple[Any, ...]]:
        """As the database has them now. Raises django.db.Error."""
        compiler, sql, parameters = self._written
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            found = cursor.fetchall()
        return list(compiler.results_iter([found], tuple_expected=True))


class AnyRows:
    """Which of several querysets have a row, in one statement: for sweeps, which mostly have nothing to do."""

    def __init__(self, **querysets: Callable[[], QuerySet[Any, Any]]) -> None:
        """Each is ordered as an index of its own is: expecting to meet a row soon, PostgreSQL would read a large table that has
        none."""
        self._querysets = querysets

    @cached_property
    def _written(self) -> tuple[str, list[Any]]:
        parts: list[str] = []
        parameters: list[Any] = []
        for queryset in self._querysets.values():
            sql, values = queryset().values_list("pk")[:1].query.sql_with_params()
            parts.append(f"({sql}) IS NOT NULL")
            parameters += values
        return f"SELECT {', '.join(parts)}", parameters

    def found(self) -> frozenset[str]:
        """The names of those that have one. Raises django.db.Error."""
        with connection.cursor() as cursor:
            cursor.execute(*self._written)
            row = cursor.fetchone()
        return frozenset(name for name, is_there in zip(self._querysets, row, strict=True) if is_there)
