"""Counting no further than anybody reads: a COUNT over millions of rows would make every page slow."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet


@dataclass(frozen=True, slots=True)
class BoundedCount:
    """How many there are; with ``is_more`` there are more than were counted."""

    count: int
    is_more: bool = False

    def __str__(self) -> str:
        return f"{self.count:,}+" if self.is_more else f"{self.count:,}"


def count_up_to(rows: QuerySet[Any], most: int) -> BoundedCount:
    """Count ``rows`` up to ``most``; reads one row more than that at most."""
    count = rows.order_by()[: most + 1].count()
    return BoundedCount(min(count, most), is_more=count > most)
