"""Rows that have had their time: counted for a dry run, deleted in batches, kind by kind."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from django.db.models import QuerySet

from core.database.batches import SECONDS, Deleted, delete_in_batches
from core.database.counts import BoundedCount, count_up_to

logger = logging.getLogger(__name__)

MAX_COUNTED: Final = 1_000_000
"""Rows of one kind that are counted."""

Overdue: TypeAlias = Mapping[str, QuerySet[Any]]
"""Rows that have had their time, by kind (plain English), each in the order of the index that finds them."""


MADE_ROOM: Final = 1_000
"""Rows that go at once, at most, where one more comes."""


def make_room(rows: QuerySet[Any], most: int) -> None:
    """Delete the first of ``rows``, in their order, so that with one more there are ``most``: for rows that anybody makes the
    portal keep, which are otherwise pruned hourly."""
    too_many = rows.count() - most + 1
    if too_many > 0:
        first = rows.values_list("pk", flat=True)[: min(too_many, MADE_ROOM)]
        rows.filter(pk__in=list(first)).order_by().delete()


def count_overdue(overdue: Overdue) -> dict[str, BoundedCount]:
    """How many rows of each kind there are."""
    return {kind: count_up_to(rows, MAX_COUNTED) for kind, rows in overdue.items()}


def prune(
    overdue: Overdue,
    *,
    seconds: float | None = SECONDS,
    on_progress: Callable[[int], None] = lambda _count: None,
) -> dict[str, Deleted]:
    """Delete them, for ``seconds`` in all (None: to the end). ``on_progress`` is called with the size of every batch.

    Every kind has the same share of the time, so that one with very many rows keeps no other from being deleted.
    """
    share = None if seconds is None else seconds / max(1, len(overdue))
    pruned = {}
    for kind, rows in overdue.items():
        pruned[kind] = deleted = delete_in_batches(rows, seconds=share, on_progress=on_progress)
        if deleted.count:
            logger.info("rows_pruned", extra={"kind": kind, "count": deleted.count, "is_all": deleted.is_all})
    return pruned
