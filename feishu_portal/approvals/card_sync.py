"""Keeping the card in step with its approval: sent to the person once, then patched in place."""

from datetime import timedelta
from typing import Any, Final

from django.utils import timezone

from bots.card_sync import CardSync, patch_card
from bots.models import Bot
from bots.sending.own_cards import own_card
from core.access.actors import SYSTEM
from core.background.retry import RetrySchedule
from core.database.connections import give_back
from feishu.openapi import OpenAPI, message_uuid
from feishu_portal.approvals.cards import approval_card
from feishu_portal.approvals.ending import end, note_end
from feishu_portal.approvals.enums import ApprovalState
from feishu_portal.approvals.models import CallApproval
from feishu_portal.approvals.names import names_for
from feishu_portal.approvals.resources import Resource, resources_of

CLICK_TAKES: Final = timedelta(seconds=4)
"""A click is answered by then, with a card as well, which may overtake a patch."""


class ApprovalCards(CardSync[CallApproval]):
    """A person whose card cannot be sent is not asked any more."""

    table = CallApproval
    fact = "approval"
    retries = RetrySchedule((2, 5, 15, 60, 300))

    def show(self, row: CallApproval, *, timeout: float | None) -> str:
        if not row.message_id and not row.is_asked:
            return ""  # nobody was asked, and nothing is left to ask
        card, api = approval_card(row, _names(row)), OpenAPI(row.bot.credentials)
        if row.message_id:
            patch_card(api, row.message_id, card, timeout=timeout)
            return row.message_id
        give_back(before_waiting=True)
        uuid = message_uuid("approvals", row.pk)
        return api.send_card(row.open_id, card, uuid=uuid, timeout=timeout).message_id

    def shown(self, row: CallApproval, message_id: str) -> dict[str, Any]:  # noqa: ARG002 -- of the interface
        clicked = row.decided_at
        if clicked is None or timezone.now() - clicked >= CLICK_TAKES:
            return {"card_shows": row.version}
        return {"card_shows": row.version - 1, "card_retry_at": clicked + CLICK_TAKES}

    def given_up(self, row: CallApproval) -> None:
        unsent = CallApproval.objects.filter(pk=row.pk, message_id="", state=ApprovalState.ASKED)
        if end(unsent, ApprovalState.NOT_ASKED):
            note_end(row, "not_asked", actor=SYSTEM)


@own_card
def is_asking(bot: Bot, message_id: str) -> bool:
    """Whether the message is the card on which somebody is asked."""
    asked = CallApproval.objects.filter(state=ApprovalState.ASKED, expires_at__gt=timezone.now())
    return asked.filter(bot=bot, message_id=message_id).exists()


def _names(row: CallApproval) -> dict[Resource, str]:
    """What the person knows things by that the call names, as long as they are asked. Raises SealedValueError."""
    if not row.is_asked:
        return {}
    named = resources_of(row.path, row.resources, query=row.stored_call.query)
    return names_for(named, bot=row.bot, open_id=row.open_id, tenant_key=row.tenant_key)


CARDS: Final = ApprovalCards()
