"""Keeping the card in step with its group: sent once, then patched in place whenever the group has changed.

The request that brings the alert tries at once: an alert of dead workers must not wait for a worker.
"""

from typing import Any, Final

from django.db.models import Q

from bots.card_sync import CardSync, patch_card
from core.background.retry import RetrySchedule
from core.database.connections import give_back
from feishu.openapi import OpenAPI, message_uuid
from feishu_portal.alerts.cards import group_card
from feishu_portal.alerts.models import AlertGroup


class GroupCards(CardSync[AlertGroup]):
    """A group that fires has another card where the one that it had is gone."""

    table = AlertGroup
    fact = "alert_group"
    related = ("bot", "receiver")
    retries = RetrySchedule((2, 10, 60, 300, 1800))

    def claimable(self) -> Q:
        return Q()  # also between two retries: Alertmanager has just reported the group again

    def show(self, row: AlertGroup, *, timeout: float | None) -> str:
        card, api = group_card(row), OpenAPI(row.bot.credentials)
        if row.message_id:
            is_shown = patch_card(api, row.message_id, card, timeout=timeout)
            if is_shown or not row.is_firing:  # nobody waits for the end of what they cannot see
                return row.message_id
        give_back(before_waiting=True)
        uuid = message_uuid("alerts", row.bot_id, row.pk, row.messages)
        chat = row.receiver.chat_id
        return api.send_card(chat, card, receive_id_type="chat_id", uuid=uuid, timeout=timeout).message_id

    def shown(self, row: AlertGroup, message_id: str) -> dict[str, Any]:
        is_new = message_id != row.message_id
        # Of two attempts to send it the platform took the first, which may have shown an earlier version.
        is_certain = not is_new or row.card_attempts == 1
        return {"messages": row.messages + is_new, "card_shows": row.version - (not is_certain)}


CARDS: Final = GroupCards()
