"""How an approval ends without the person's word: too late, never asked, or taken over with a restored database."""

from functools import partial
from typing import Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core.access import audit
from core.access.actors import SYSTEM, Actor
from feishu_portal.approvals.enums import ApprovalState
from feishu_portal.approvals.metrics import count_approval
from feishu_portal.approvals.models import CallApproval
from feishu_portal.approvals.models.call_approvals import CallApprovalQuerySet
from feishu_portal.approvals.notify import notify_card

SWEEP_LIMIT: Final = 500


@transaction.atomic
def expire(among: CallApprovalQuerySet | None = None) -> None:
    """End those that nobody has answered in time."""
    late = (CallApproval.objects.all() if among is None else among).to_expire().select_related("bot")
    for approval in late.order_by("expires_at")[:SWEEP_LIMIT]:
        still = CallApproval.objects.filter(pk=approval.pk).to_expire()
        if end(still, ApprovalState.EXPIRED):
            note_end(approval, "expired", actor=SYSTEM)


def note_end(approval: CallApproval, how: str, *, actor: Actor, **facts: object) -> None:
    """Have the audit log, the metrics and the card say how the approval ended."""
    audit.record(
        actor=actor,
        action=f"approval.{how}",
        bot=approval.bot,
        target=approval,
        approval=str(approval.pk),
        **facts,
    )
    transaction.on_commit(partial(count_approval, approval.bot, how))
    notify_card(approval.pk)


def end(rows: CallApprovalQuerySet, state: ApprovalState, **values: object) -> int:
    """End the rows: the call is deleted, the card has something new to show. Returns how many."""
    return rows.update(
        state=state, call="", due_at=None, finished_at=timezone.now(), version=F("version") + 1, **values
    )


def drop_open() -> int:
    """End all that is open: the original of this database may have asked, or sent. Returns how many."""
    asked = CallApproval.objects.filter(state=ApprovalState.ASKED)
    begun = CallApproval.objects.filter(state__in=(ApprovalState.APPROVED, ApprovalState.SENDING))
    dropped = end(asked, ApprovalState.EXPIRED) + end(begun, ApprovalState.UNCERTAIN)
    CallApproval.objects.filter(covers_until__gt=timezone.now()).update(covers_until=timezone.now())
    CallApproval.objects.filter(card_shows__lt=F("version")).update(card_shows=F("version"))
    return dropped
