"""How long approvals and the platform's answers are kept."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from core.database.retention import Overdue
from feishu_portal.approvals.models import CallApproval

ANSWERS_KEPT: Final = timedelta(hours=1)
"""After the call has ended: who called reads its answer by then, or does without."""
MAX_FORGOTTEN: Final = 500


def overdue() -> Overdue:
    """Rows that have had their time."""
    limit = timezone.now() - timedelta(days=settings.APPROVAL_DAYS)
    return {"approvals": CallApproval.objects.filter(asked_at__lt=limit).order_by("asked_at")}


def forget_answers() -> int:
    """Delete answers that have had their time. Returns how many."""
    over = CallApproval.objects.filter(finished_at__lt=timezone.now() - ANSWERS_KEPT).exclude(answer="")
    keys = list(over.order_by("finished_at").values_list("pk", flat=True)[:MAX_FORGOTTEN])
    return CallApproval.objects.filter(pk__in=keys).update(answer="")
