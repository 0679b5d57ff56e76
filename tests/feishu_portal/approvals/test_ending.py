import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.access.models import AuditEntry
from feishu_portal.approvals.decisions import approve
from feishu_portal.approvals.ending import drop_open, expire
from feishu_portal.approvals.enums import ApprovalState, Approved
from feishu_portal.approvals.models import CallApproval
from tests.feishu_portal.approvals.calls import ask_about

pytestmark = pytest.mark.django_db


def test_question_that_nobody_answers_expires(approval, notified, django_capture_on_commit_callbacks) -> None:
    expire()
    CallApproval.objects.update(expires_at=timezone.now())
    with django_capture_on_commit_callbacks(execute=True):
        expire()
        expire()
    approval.refresh_from_db()
    assert (approval.state, approval.call) == ("expired", "")
    assert approval.finished_at is not None
    assert notified == [("approvals.sync_card", str(approval.pk))]
    assert AuditEntry.objects.filter(action="approval.expired").count() == 1


def test_restored_database_sends_nothing_and_covers_nothing(approval) -> None:
    begun = ask_about(approval.bot, {"summary": "other"})
    approve(begun, kind=Approved.HOUR)
    assert drop_open() == 2
    assert set(CallApproval.objects.values_list("state", flat=True)) == {"expired", "uncertain"}
    assert not CallApproval.objects.exclude(call="").exists()
    assert not CallApproval.objects.filter(covers_until__gt=timezone.now()).exists()
    assert not CallApproval.objects.card_out_of_date().exists()


def test_ended_approval_keeps_no_call(approval) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        CallApproval.objects.update(state=ApprovalState.DENIED)
