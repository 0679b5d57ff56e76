"""Counting no further than an operator reads: a COUNT over millions of rows would make every list slow."""

from functools import cached_property
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet

MAX_COUNT = 10_000  # rows; beyond that a list says "more than"


class BoundedPaginator(Paginator[Any]):
    """Pages of the first ``MAX_COUNT`` rows; older ones are reached with a filter or the search."""

    template_name = "admin/bounded_pagination.html"

    @cached_property
    def _counted(self) -> int:
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return rows.order_by()[: MAX_COUNT + 1].count()
        return len(rows)

    @cached_property
    def count(self) -> int:
        """Rows that can be paged through."""
        return min(self._counted, MAX_COUNT)

    @property
    def is_more(self) -> bool:
        """Whether there are more rows than were counted."""
        return self._counted > MAX_COUNT
