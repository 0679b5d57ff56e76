"""Keeping the card in step with its group: sent once, then patched in place whenever the group has changed.

Whoever claims the card shows the newest version, and goes on while there is a newer one, so that no patch overtakes
another. The request that brings the alert tries at once: an alert of dead workers must not wait for a worker.
"""

import hashlib
import logging
from datetime import timedelta
from typing import Final

from django.db.models import F, Q
from django.db.models.functions import Least
from django.utils import timezone

from core.background.retry import RetrySchedule
from core.database.connections import give_back
from core.database.text import storable
from core.log_context import log_context
from core.vault.keyring import SealedValueError
from core.vault.redaction import redact_text
from feishu.errors import APIError, FeishuError
from feishu.openapi import MAX_UUID, OpenAPI
from feishu_portal.alerts.cards import group_card
from feishu_portal.alerts.models import AlertGroup

logger = logging.getLogger(__name__)

RETRIES: Final = RetrySchedule((2, 10, 60, 300, 1800))
CLAIM: Final = timedelta(seconds=120)
"""Longer than any attempt takes: two calls and two questions for a token, each bounded."""
MAX_ROUNDS: Final = 5
"""Versions that are shown one after the other; the sweep shows what comes after."""
MAX_COUNTED: Final = 1000
"""Attempts: Alertmanager makes one every few seconds as long as a card cannot be shown."""
SWEEP_LIMIT: Final = 500
CARD_GONE: Final = frozenset({230011, 230031, 230110})
"""Recalled, deleted, or older than the 14 days in which a card can be patched."""


def sync_card(group_pk: int, *, timeout: float | None = None) -> None:
    """Show the group's newest version, unless somebody else is at it. ``timeout``: seconds for each call to the platform (15).
    Raises FeishuError or SealedValueError where it could not be shown; then it is tried again by the sweep."""
    for _round in range(MAX_ROUNDS):
        group = _claim(group_pk)
        if group is None:
            return
        with log_context(app_id=group.bot.app_id, alert_group=group.pk):
            try:
                message_id = _show(group, timeout)
            except (FeishuError, SealedValueError) as error:
                _postpone(group, error)
                raise
        _note_shown(group, message_id)


def cards_to_sync() -> list[int]:
    """Groups whose card is unsent or out of date, because nobody was notified, or a retry is due."""
    now = timezone.now()
    due = AlertGroup.objects.card_out_of_date().filter(card_given_up=False)
    due = due.filter(Q(card_retry_at=None) | Q(card_retry_at__lte=now)).filter(_unclaimed())
    return list(due.order_by("card_retry_at").values_list("pk", flat=True)[:SWEEP_LIMIT])


def _claim(group_pk: int) -> AlertGroup | None:
    """The group as it is now, where its card is to be shown and nobody else shows it."""
    free = AlertGroup.objects.card_out_of_date().filter(_unclaimed(), pk=group_pk)
    attempts = Least(F("card_attempts") + 1, MAX_COUNTED)
    if not free.update(card_claimed_until=timezone.now() + CLAIM, card_attempts=attempts):
        return None
    return AlertGroup.objects.select_related("bot", "receiver").filter(pk=group_pk).first()


def _unclaimed() -> Q:
    return Q(card_claimed_until=None) | Q(card_claimed_until__lt=timezone.now())


def _show(group: AlertGroup, timeout: float | None) -> str:
    """The message that shows the group now."""
    api = OpenAPI(group.bot.credentials)
    card = group_card(group)
    give_back(before_waiting=True)
    if group.message_id:
        try:
            api.patch_card(group.message_id, card, timeout=timeout)
        except APIError as error:
            if error.code not in CARD_GONE:
                raise
            if not group.is_firing:
                return group.message_id  # nobody waits for the end of what they cannot see
        else:
            return group.message_id
    sent = api.send_card(
        group.receiver.chat_id, card, receive_id_type="chat_id", uuid=_uuid(group), timeout=timeout
    )
    return sent.message_id


def _uuid(group: AlertGroup) -> str:
    """Under one key the platform sends once in an hour, should a process die between sending and noting it."""
    key = f"alerts\n{group.bot_id}\n{group.pk}\n{group.messages}"
    return hashlib.sha256(key.encode()).hexdigest()[:MAX_UUID]


def _note_shown(group: AlertGroup, message_id: str) -> None:
    is_new = message_id != group.message_id
    # Of two attempts to send it the platform took the first, which may have shown an earlier version.
    is_certain = not is_new or group.card_attempts == 1
    AlertGroup.objects.filter(pk=group.pk).update(
        message_id=storable(message_id, 128),
        messages=group.messages + is_new,
        card_shows=group.version if is_certain else group.version - 1,
        card_claimed_until=None,
        card_attempts=0,
        card_retry_at=None,
        card_error="",
    )


def _postpone(group: AlertGroup, error: FeishuError | SealedValueError) -> None:
    """Release the claim and note the failure; the sweep gives up where no retry would help, or none is left."""
    text = redact_text(str(error))
    logger.warning("alert_card_not_shown", extra={"error": text})
    is_retryable = isinstance(error, FeishuError) and error.retryable
    AlertGroup.objects.filter(pk=group.pk).update(
        card_claimed_until=None,
        card_retry_at=timezone.now() + RETRIES.pause_after(group.card_attempts),
        card_given_up=not is_retryable or RETRIES.is_exhausted(group.card_attempts),
        card_error=storable(text, 500),
    )
