"""Deleting many rows: in batches, each in a transaction of its own, within bounds."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)

BATCH = 5_000
"""Rows in one transaction, so that none holds the table for long."""
SECONDS = 60.0
"""What one scheduled run may take; the next one goes on."""

Delete: TypeAlias = Callable[[Sequence[Any]], int]
"""Deletes the rows with these primary keys and what refers to them; returns how many rows of the table went. Rows that
have to stay it leaves out."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """How many rows went, and whether that was all."""

    count: int
    is_all: bool


def delete_in_batches(
    rows: QuerySet[M],
    *,
    size: int = BATCH,
    seconds: float | None = SECONDS,
    delete: Delete | None = None,
    on_progress: Callable[[int], None] = lambda _count: None,
) -> Deleted:
    """Delete ``rows``, the first of their order first, for ``seconds`` at most (None: to the end).

    Order them by the index that finds them. ``delete`` takes the place of Django's cascade, which reads every row that
    refers to those it deletes; where it leaves rows out, the next batch begins behind them, so order those by their key.
    ``on_progress`` is called with the number of rows that went with every batch.
    """
    model, count = rows.model, 0
    deadline = None if seconds is None else time.monotonic() + seconds
    while True:
        with transaction.atomic():
            pks = list(rows.values_list("pk", flat=True)[:size])
            gone = (
                delete(pks)
                if delete
                else model._default_manager.filter(pk__in=pks).delete()[1].get(model._meta.label, 0)
            )
        count += gone
        if pks:
            on_progress(gone)
        if len(pks) < size:
            return Deleted(count, is_all=True)
        if gone < len(pks):
            rows = rows.filter(pk__gt=pks[-1])
        if deadline is not None and time.monotonic() >= deadline:
            return Deleted(count, is_all=False)
