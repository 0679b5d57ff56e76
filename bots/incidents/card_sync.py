"""Keeping the cards of notices in step with their incidents: patched in place whenever one is taken, silenced or over.

Where a card cannot be patched any more, people are told in a message of its own that an incident is over.
"""

from typing import Any, Final

from django.db.models import Q
from django.utils import timezone

from bots.card_sync import CardSync, patch_card
from bots.incidents.cards import incidents_on, notice_card
from bots.incidents.silences import silences_of
from bots.models import Notice, NoticeCard
from core.background.retry import RetrySchedule
from feishu.openapi import OpenAPI


class NoticeCards(CardSync[NoticeCard]):
    """Cards that were sent with a notice (``bots.incidents.channels``)."""

    table = NoticeCard
    fact = "notice_card"
    retries = RetrySchedule((2, 10, 60, 300, 1800))

    def show(self, row: NoticeCard, *, timeout: float | None) -> str:
        incidents = incidents_on(row)
        if incidents:
            api = OpenAPI(row.bot.credentials)
            if patch_card(api, row.message_id, notice_card(incidents), timeout=timeout):
                _shown_to_be_over(row).update(recovery_sent_at=timezone.now())
            else:
                self.given_up(row)
        return row.message_id

    def shown(self, row: NoticeCard, message_id: str) -> dict[str, Any]:  # noqa: ARG002 -- of the interface
        silences = silences_of([one for one in incidents_on(row) if one.closed_at is None])
        if not silences:
            return {"card_shows": row.version}
        # Nothing happens when a silence is over: it is looked at again.
        ends_at = min(silence.until for silence in silences.values())
        return {"card_shows": row.version - 1, "card_retry_at": ends_at}

    def given_up(self, row: NoticeCard) -> None:
        _shown_to_be_over(row).update(card=None, due_at=timezone.now(), attempts=0, error="")


def _shown_to_be_over(card: NoticeCard) -> Any:
    """Notices of which the card is the only message that an incident is over."""
    over = Q(incident__closed_at__isnull=False, incident__recovered_at__isnull=False, recovery_sent_at=None)
    return Notice.objects.filter(pk__in=Notice.objects.filter(over, card=card).values("pk"))


CARDS: Final = NoticeCards()
