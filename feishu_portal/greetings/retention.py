"""How long it is kept which chats were greeted."""

from datetime import timedelta
from typing import Final

from django.utils import timezone

from core.database.retention import Overdue
from feishu_portal.greetings.models import MAX_PAUSE, Greeted

GREETED_KEPT: Final = timedelta(minutes=MAX_PAUSE) + timedelta(days=1)
"""Longer than any pause."""


def overdue() -> Overdue:
    """Rows that have had their time."""
    limit = timezone.now() - GREETED_KEPT
    return {"greeted chats": Greeted.objects.filter(at__lt=limit).order_by("at")}
