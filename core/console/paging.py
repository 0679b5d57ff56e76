"""Pages of a list that counts no further than an operator reads."""

from functools import cached_property
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet

from core.database.counts import BoundedCount, count_up_to

MAX_COUNT = 10_000
"""Rows; beyond that a list says "more than"."""


class BoundedPaginator(Paginator[Any]):
    """Pages of the first ``MAX_COUNT`` rows; older ones are reached with a filter or the search."""

    template_name = "admin/bounded_pagination.html"

    @cached_property
    def counted(self) -> BoundedCount:
        rows = self.object_list
        return count_up_to(rows, MAX_COUNT) if isinstance(rows, QuerySet) else BoundedCount(len(rows))

    @property
    def count(self) -> int:
        """Rows that can be paged through."""
        return self.counted.count
