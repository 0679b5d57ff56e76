"""What the person says: once, whatever is clicked how often and by which transport; and the end of what they approved for an
hour."""

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core.access import audit
from core.access.actors import Actor
from feishu_portal.approvals.ending import end, note_end
from feishu_portal.approvals.enums import ApprovalState, Approved
from feishu_portal.approvals.models import CallApproval
from feishu_portal.approvals.models.call_approvals import COVERED
from feishu_portal.approvals.notify import notify_card, notify_send


@transaction.atomic
def approve(approval: CallApproval, *, kind: Approved, address: str = "") -> bool:
    """The person approves, on the card or by a browser at ``address``; False where it is too late for that, or they have answered
    before. ``approval`` is read again."""
    now = timezone.now()
    waiting = CallApproval.objects.filter(pk=approval.pk, state=ApprovalState.ASKED, expires_at__gt=now)
    if kind == Approved.HOUR:
        waiting = waiting.exclude(scope_hash="")
    is_first = waiting.update(
        state=ApprovalState.APPROVED,
        approved=kind,
        decided_at=now,
        due_at=now,
        covers_until=now + COVERED if kind == Approved.HOUR else None,
        version=F("version") + 1,
    )
    if is_first:
        audit.record(
            actor=Actor.user(approval.open_id).at(address),
            action="approval.approved" if kind == Approved.ONCE else "approval.approved_for_an_hour",
            bot=approval.bot,
            target=approval,
            approval=str(approval.pk),
            client=approval.caller,
            rule=approval.rule,
        )
        notify_send(approval.pk)
    approval.refresh_from_db()
    return bool(is_first)


@transaction.atomic
def deny(approval: CallApproval, *, address: str = "") -> bool:
    """The person denies, as they approve; False where it is too late for that, or they have answered before. ``approval`` is
    read again."""
    now = timezone.now()
    waiting = CallApproval.objects.filter(pk=approval.pk, state=ApprovalState.ASKED, expires_at__gt=now)
    is_first = end(waiting, ApprovalState.DENIED, decided_at=now)
    if is_first:
        note_end(
            approval,
            "denied",
            actor=Actor.user(approval.open_id).at(address),
            client=approval.caller,
            rule=approval.rule,
        )
    approval.refresh_from_db()
    return bool(is_first)


@transaction.atomic
def end_hour(approval: CallApproval, *, actor: Actor) -> bool:
    """From now on such calls are asked about again; False where they are already. What is under way goes on. ``approval`` is
    read again."""
    standing = CallApproval.objects.standing().filter(pk=approval.pk)
    is_first = standing.update(covers_until=timezone.now(), version=F("version") + 1)
    if is_first:
        audit.record(
            actor=actor,
            action="approval.hour_ended",
            bot=approval.bot,
            target=approval,
            approval=str(approval.pk),
            person=approval.open_id,
            client=approval.caller,
        )
        notify_card(approval.pk)
    approval.refresh_from_db()
    return bool(is_first)
