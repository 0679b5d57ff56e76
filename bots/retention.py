"""How long the rows of this app are kept: lost connections, incidents with their notices, sent messages."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils import timezone

from bots.models import ConnectionLoss, Incident, Sending
from core.database.batches import SECONDS, Deleted, delete_in_batches
from core.database.counts import BoundedCount, count_up_to

if TYPE_CHECKING:
    from django.db.models import QuerySet

LOSSES_KEPT: Final = timedelta(days=30)
INCIDENTS_KEPT: Final = timedelta(days=180)
"""After they were closed."""
MAX_COUNTED: Final = 1_000_000
"""Rows of one kind that a dry run counts."""


def overdue() -> dict[str, "QuerySet[Any]"]:
    """Rows that have had their time, by kind, each in the order of the index that finds them."""
    now = timezone.now()
    sendings_kept = timedelta(days=settings.TOKEN_USE_DAYS)
    return {
        "lost connections": ConnectionLoss.objects.filter(at__lt=now - LOSSES_KEPT).order_by("at"),
        "incidents": Incident.objects.filter(closed_at__lt=now - INCIDENTS_KEPT).order_by("closed_at"),
        "sent messages": Sending.objects.filter(at__lt=now - sendings_kept).order_by("at"),
    }


def count_overdue() -> dict[str, BoundedCount]:
    """How many rows would go, by kind."""
    return {kind: count_up_to(rows, MAX_COUNTED) for kind, rows in overdue().items()}


def prune(
    *, seconds: float | None = SECONDS, on_progress: Callable[[int], None] = lambda _count: None
) -> dict[str, Deleted]:
    """Delete what has had its time, for ``seconds`` a kind at most (None: to the end); what went, by kind."""
    return {
        kind: delete_in_batches(rows, seconds=seconds, on_progress=on_progress)
        for kind, rows in overdue().items()
    }
