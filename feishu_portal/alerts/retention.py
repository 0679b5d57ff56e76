"""How long alert groups are kept."""

from datetime import timedelta
from typing import Final

from django.utils import timezone

from core.database.retention import Overdue
from feishu_portal.alerts.models import AlertGroup

GROUPS_KEPT: Final = timedelta(days=90)
"""After Alertmanager last spoke of them. One that still fires is repeated every few hours."""


def overdue() -> Overdue:
    """Rows that have had their time."""
    limit = timezone.now() - GROUPS_KEPT
    return {"alert groups": AlertGroup.objects.filter(heard_at__lt=limit).order_by("heard_at")}
