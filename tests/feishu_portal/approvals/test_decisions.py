import pytest
from django.utils import timezone

from core.access.actors import SYSTEM, Actor
from core.access.models import AuditEntry
from feishu_portal.approvals.asking import is_covered
from feishu_portal.approvals.decisions import approve, deny, end_hour
from feishu_portal.approvals.enums import Approved
from feishu_portal.approvals.models import CallApproval
from tests.feishu_portal.approvals.calls import question_of

pytestmark = pytest.mark.django_db


def test_first_answer_counts(approval, notified, django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        assert approve(approval, kind=Approved.ONCE)
        assert not approve(approval, kind=Approved.HOUR)
        assert not deny(approval)
    assert (approval.state, approval.approved, approval.covers_until) == ("approved", "once", None)
    assert notified == [("approvals.send", str(approval.pk))]
    assert AuditEntry.objects.filter(action__startswith="approval.appr").count() == 1


def test_denied_call_is_deleted(approval) -> None:
    assert deny(approval)
    assert not approve(approval, kind=Approved.ONCE)
    assert (approval.state, approval.call, approval.due_at) == ("denied", "", None)
    entry = AuditEntry.objects.get(action="approval.denied")
    assert (entry.actor, entry.detail["client"]) == ("user:ou_asked", "assistant")


def test_hour_is_ended_once_and_the_next_call_is_asked_about(approval, notified) -> None:
    assert not end_hour(approval, actor=SYSTEM), "none was approved"
    approve(approval, kind=Approved.HOUR)
    question, _call = question_of(approval.bot)
    assert is_covered(question)
    version = approval.version
    assert end_hour(approval, actor=Actor.user("ou_asked"))
    assert not is_covered(question)
    assert not end_hour(approval, actor=SYSTEM)
    assert (approval.state, approval.version) == ("approved", version + 1), (
        "the call that was approved goes on"
    )
    entry = AuditEntry.objects.get(action="approval.hour_ended")
    assert (entry.actor, entry.detail["client"]) == ("user:ou_asked", "assistant")


def test_answer_that_comes_too_late_counts_for_nothing(approval) -> None:
    CallApproval.objects.update(expires_at=timezone.now())
    assert not approve(approval, kind=Approved.ONCE)
    assert not deny(approval)
    assert approval.state == "asked"
