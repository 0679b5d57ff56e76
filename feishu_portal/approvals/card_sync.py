"""Keeping the card in step with its approval: sent to the person once, then patched in place.

Whoever claims the card shows the newest version, and goes on while there is a newer one, so that no patch overtakes another.
"""

import hashlib
import logging
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from core.access import audit
from core.access.actors import SYSTEM
from core.background.retry import RetrySchedule
from core.database.connections import give_back
from core.database.text import storable
from core.log_context import log_context
from core.vault.keyring import SealedValueError
from core.vault.redaction import redact_text
from feishu.errors import APIError, FeishuError
from feishu.openapi import MAX_UUID, OpenAPI
from feishu_portal.approvals.cards import approval_card
from feishu_portal.approvals.ending import SWEEP_LIMIT, end
from feishu_portal.approvals.enums import ApprovalState
from feishu_portal.approvals.models import CallApproval

logger = logging.getLogger(__name__)

RETRIES: Final = RetrySchedule((2, 5, 15, 60, 300))
CLAIM: Final = timedelta(seconds=120)
"""Longer than any attempt takes: two calls and two questions for a token, each bounded."""
CLICK_TAKES: Final = timedelta(seconds=4)
"""A click is answered by then, with a card as well, which may overtake a patch."""
MAX_ROUNDS: Final = 5
CARD_GONE: Final = frozenset({230011, 230031, 230110})
"""Recalled, deleted, or older than the 14 days in which a card can be patched."""


def sync_card(approval_pk: UUID) -> None:
    """Show the newest version, unless somebody else is at it. Raises FeishuError or SealedValueError where it could not be
    shown; then the sweep tries again."""
    for _round in range(MAX_ROUNDS):
        approval = _claim(approval_pk)
        if approval is None:
            return
        with log_context(app_id=approval.bot.app_id, approval=str(approval.pk)):
            try:
                message_id = _show(approval)
            except (FeishuError, SealedValueError) as error:
                _postpone(approval, error)
                raise
        _note_shown(approval, message_id)


def cards_to_sync() -> list[UUID]:
    """Approvals whose card is unsent or out of date, because nobody was notified, or a retry is due."""
    due = CallApproval.objects.card_out_of_date().filter(_is_due())
    return list(due.order_by("card_retry_at").values_list("pk", flat=True)[:SWEEP_LIMIT])


def _is_due() -> Q:
    now = timezone.now()
    return (Q(card_claimed_until=None) | Q(card_claimed_until__lt=now)) & (
        Q(card_retry_at=None) | Q(card_retry_at__lte=now)
    )


def _claim(approval_pk: UUID) -> CallApproval | None:
    """The approval as it is now, where its card is to be shown and nobody else shows it."""
    free = CallApproval.objects.card_out_of_date().filter(_is_due(), pk=approval_pk)
    if not free.update(card_claimed_until=timezone.now() + CLAIM, card_attempts=F("card_attempts") + 1):
        return None
    return CallApproval.objects.select_related("bot").filter(pk=approval_pk).first()


def _show(approval: CallApproval) -> str:
    """The message that shows the approval now; empty where nobody was asked, and nothing is left to ask."""
    if not approval.message_id and not approval.is_asked:
        return ""
    card = approval_card(approval)
    api = OpenAPI(approval.bot.credentials)
    give_back(before_waiting=True)
    if not approval.message_id:
        sent = api.send_card(approval.open_id, card, receive_id_type="open_id", uuid=_uuid(approval))
        return sent.message_id
    try:
        api.patch_card(approval.message_id, card)
    except APIError as error:
        if error.code not in CARD_GONE:
            raise
    return approval.message_id


def _uuid(approval: CallApproval) -> str:
    """Under one key the platform sends once in an hour, should a process die between sending and noting it."""
    return hashlib.sha256(f"approvals\n{approval.pk}".encode()).hexdigest()[:MAX_UUID]


def _note_shown(approval: CallApproval, message_id: str) -> None:
    clicked = approval.decided_at
    may_be_overtaken = clicked is not None and timezone.now() - clicked < CLICK_TAKES
    CallApproval.objects.filter(pk=approval.pk).update(
        message_id=storable(message_id, 128),
        card_shows=approval.version - may_be_overtaken,
        card_claimed_until=None,
        card_attempts=0,
        card_retry_at=clicked + CLICK_TAKES if clicked is not None and may_be_overtaken else None,
        card_error="",
    )


@transaction.atomic
def _postpone(approval: CallApproval, error: FeishuError | SealedValueError) -> None:
    """Release the claim and note the failure. Where no retry would help, or none is left, a person who has not been asked is
    not asked any more."""
    text = redact_text(str(error))
    logger.warning("approval_card_not_shown", extra={"error": text})
    is_retryable = isinstance(error, FeishuError) and error.retryable
    is_over = not is_retryable or RETRIES.is_exhausted(approval.card_attempts)
    mine = CallApproval.objects.filter(pk=approval.pk)
    mine.update(
        card_claimed_until=None,
        card_retry_at=timezone.now() + RETRIES.pause_after(approval.card_attempts),
        card_given_up=is_over,
        card_error=storable(text, 500),
    )
    if is_over and end(mine.filter(message_id="", state=ApprovalState.ASKED), ApprovalState.NOT_ASKED):
        audit.record(
            actor=SYSTEM,
            action="approval.not_asked",
            bot=approval.bot,
            target=approval,
            approval=str(approval.pk),
        )
