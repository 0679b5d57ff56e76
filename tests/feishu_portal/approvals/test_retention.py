from datetime import timedelta

import pytest
from django.utils import timezone

from core.database.retention import prune
from feishu_portal.approvals.models import CallApproval
from feishu_portal.approvals.retention import overdue

pytestmark = pytest.mark.django_db


def test_old_approvals_go(approval, settings) -> None:
    settings.APPROVAL_DAYS = 30
    prune(overdue())
    assert CallApproval.objects.exists()
    CallApproval.objects.update(asked_at=timezone.now() - timedelta(days=31))
    prune(overdue())
    assert not CallApproval.objects.exists()
