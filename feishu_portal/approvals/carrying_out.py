"""Approved calls on their way: claimed by one worker, sent once, and written down as what they came to.

What happens between the claim and the end nobody may see, if a process dies: such a call is uncertain, and is never sent
again. One that certainly was not sent is tried again for a while.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core.access.actors import SYSTEM, Actor
from core.background.retry import RetrySchedule
from core.database.text import storable
from core.vault.fields import encrypted_field
from feishu_portal.approvals.ending import SWEEP_LIMIT, end, note_end
from feishu_portal.approvals.enums import ApprovalState
from feishu_portal.approvals.models import CallApproval, StoredAnswer

RETRIES: Final = RetrySchedule((2, 5, 15, 30, 60))
SENDING_TAKES: Final = timedelta(minutes=5)
"""Longer than any attempt, whose parts are bounded."""
TOO_LATE: Final = "approval_too_old"
INTERRUPTED: Final = "interrupted"


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """How an attempt ended. ``problem`` is empty where the platform answered; else it says why not, ``is_sent`` whether the
    call may have reached it, and ``may_retry`` whether a later attempt may succeed."""

    status: int | None = None
    code: int | None = None
    log_id: str = ""
    answer: StoredAnswer | None = None
    problem: str = ""
    is_sent: bool = True
    may_retry: bool = False


def claim(approval_pk: UUID) -> CallApproval | None:
    """The approval, to be sent now by whoever gets it; None where there is nothing to do, or somebody else does it."""
    now = timezone.now()
    due = CallApproval.objects.to_send().filter(pk=approval_pk)
    if not due.update(state=ApprovalState.SENDING, sent_at=now, due_at=None, attempts=F("attempts") + 1):
        return None
    approval = CallApproval.objects.select_related("bot", "client").get(pk=approval_pk)
    if approval.decided_at is None or now - approval.decided_at > timedelta(
        minutes=settings.APPROVAL_MINUTES
    ):
        finish(approval, CallOutcome(problem=TOO_LATE, is_sent=False))
        return None
    return approval


@transaction.atomic
def finish(approval: CallApproval, outcome: CallOutcome) -> None:
    """Write down how the attempt ended."""
    mine = CallApproval.objects.filter(
        pk=approval.pk, state=ApprovalState.SENDING, attempts=approval.attempts
    )
    if outcome.may_retry and not outcome.is_sent and not RETRIES.is_exhausted(approval.attempts):
        mine.update(
            state=ApprovalState.APPROVED,
            due_at=timezone.now() + RETRIES.pause_after(approval.attempts),
            problem=outcome.problem,
        )
        return
    state = _state_of(outcome)
    values: dict[str, object] = {
        "status": outcome.status,
        "code": outcome.code,
        "log_id": storable(outcome.log_id, 128),
        "problem": outcome.problem[:60],
    }
    if outcome.answer is not None:
        values["answer"] = encrypted_field(CallApproval, "answer").seal_for(approval, outcome.answer.text)
    if end(mine, state, **values):
        approval.state, approval.status, approval.code = state, outcome.status, outcome.code
        note_end(
            approval,
            "refused" if approval.is_refused else state.value,
            actor=Actor("api", approval.caller, approval.client_id),
            status=outcome.status,
            code=outcome.code,
            problem=outcome.problem,
        )


def to_send() -> Sequence[UUID]:
    """Approved calls that are due, because nobody was notified or for another attempt."""
    due = CallApproval.objects.to_send().order_by("due_at")
    return list(due.values_list("pk", flat=True)[:SWEEP_LIMIT])


@transaction.atomic
def give_up_interrupted() -> None:
    """Calls whose sender has died: whether they were carried out nobody knows."""
    limit = timezone.now() - SENDING_TAKES
    lost = CallApproval.objects.filter(state=ApprovalState.SENDING, sent_at__lt=limit).select_related("bot")
    for approval in lost[:SWEEP_LIMIT]:
        still = CallApproval.objects.filter(pk=approval.pk, state=ApprovalState.SENDING, sent_at__lt=limit)
        if end(still, ApprovalState.UNCERTAIN, problem=INTERRUPTED):
            note_end(approval, "uncertain", actor=SYSTEM, problem=INTERRUPTED)


def _state_of(outcome: CallOutcome) -> ApprovalState:
    if not outcome.problem:
        return ApprovalState.DONE
    return ApprovalState.UNCERTAIN if outcome.is_sent else ApprovalState.FAILED
