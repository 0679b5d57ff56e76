from datetime import timedelta

import pytest
from django.utils import timezone

from core.access.models import AuditEntry
from feishu_portal.approvals.carrying_out import (
    RETRIES,
    CallOutcome,
    claim,
    finish,
    give_up_interrupted,
    to_send,
)
from feishu_portal.approvals.decisions import approve
from feishu_portal.approvals.enums import Approved
from feishu_portal.approvals.models import CallApproval, StoredAnswer

pytestmark = pytest.mark.django_db


@pytest.fixture
def due(approval) -> CallApproval:
    approve(approval, kind=Approved.ONCE)
    return approval


def test_question_is_not_sent(approval) -> None:
    assert to_send() == []
    assert claim(approval.pk) is None


def test_call_is_claimed_once(due) -> None:
    assert to_send() == [due.pk]
    claimed = claim(due.pk)
    assert claimed is not None
    assert claim(due.pk) is None
    assert to_send() == []


def test_call_that_waited_too_long_is_not_sent(due) -> None:
    CallApproval.objects.update(decided_at=timezone.now() - timedelta(hours=1))
    assert claim(due.pk) is None
    due.refresh_from_db()
    assert (due.state, due.problem, due.call) == ("failed", "approval_too_old", "")


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (CallOutcome(status=200, code=0, answer=StoredAnswer("application/json", b"{}")), "done"),
        (CallOutcome(status=403, code=99991672), "done"),
        (CallOutcome(problem="path_not_allowed", is_sent=False), "failed"),
        (CallOutcome(problem="upstream_failed"), "uncertain"),
        (CallOutcome(problem="upstream_failed", may_retry=True), "uncertain"),
        (CallOutcome(problem="rate_limited", is_sent=False, may_retry=True), "approved"),
    ],
)
def test_outcome_is_written_down_once(due, outcome, state) -> None:
    claimed = claim(due.pk)
    finish(claimed, outcome)
    finish(claimed, CallOutcome(status=500))
    due.refresh_from_db()
    assert (due.state, due.status, due.problem) == (state, outcome.status, outcome.problem)
    assert (due.call == "") is (state != "approved")
    if outcome.answer is not None:
        assert due.stored_answer == outcome.answer
    if state != "approved":
        said = "refused" if outcome.code else state
        assert AuditEntry.objects.filter(action=f"approval.{said}").count() == 1


def test_attempts_that_send_nothing_end(due) -> None:
    for attempt in range(1, RETRIES.max_attempts + 1):
        CallApproval.objects.update(due_at=timezone.now())
        claimed = claim(due.pk)
        assert claimed is not None
        assert claimed.attempts == attempt
        finish(claimed, CallOutcome(problem="rate_limited", is_sent=False, may_retry=True))
    due.refresh_from_db()
    assert due.state == "failed"


def test_interrupted_call_is_uncertain_and_stays_so(due) -> None:
    claimed = claim(due.pk)
    give_up_interrupted()
    due.refresh_from_db()
    assert due.state == "sending"
    CallApproval.objects.update(sent_at=timezone.now() - timedelta(minutes=6))
    give_up_interrupted()
    finish(claimed, CallOutcome(status=200))
    due.refresh_from_db()
    assert (due.state, due.problem, due.status) == ("uncertain", "interrupted", None)
    assert to_send() == []
