"""Clicks whose answer comes late: the card is put in place after the person was told to wait."""

import logging
import time
from datetime import timedelta
from typing import Any

from django.utils import timezone

from events.models import Delivery, Event
from feishu.envelope import CALLBACK_TYPES
from feishu.errors import APIError, FeishuError, RateLimited
from feishu.openapi import OpenAPI
from feishu_portal.access.storable import storable

logger = logging.getLogger("events.clicks")

TOKEN_LIFE = timedelta(minutes=30)
"""How long a click's token updates its card, twice (page "Update message card", delayed update)."""
PAUSES = (1.0, 3.0, 10.0)  # seconds between tries
TOKEN_USELESS = frozenset({300020, 300030, 300040})
"""Codes of that page: token malformed, expired, used up."""


def show_late_answer(delivery: Delivery, answer: Any) -> None:
    """What a click's handler returned after the click was answered: its card replaces the one that was clicked.

    By the click's token, which everybody who sees the card follows, else by changing the message. What could not be
    shown is noted at the event.
    """
    event = delivery.event
    card = answer.get("card") if isinstance(answer, dict) else None
    if event.event_type not in CALLBACK_TYPES or not isinstance(card, dict):
        return
    content = card.get("data") if card.get("type") == "raw" else card
    try:
        _show(event, content)
    except FeishuError as error:
        logger.warning("late_card_not_shown", extra={"event_pk": event.pk, "error": str(error)})
        text = storable(f"The card could not be updated: {error}", 500)
        Event.objects.filter(pk=event.pk).update(error=text)


def _show(event: Event, content: Any) -> None:
    for pause in (*PAUSES, None):
        try:
            _show_once(event, content)
        except FeishuError as error:
            if pause is None or not error.retryable:
                raise
            time.sleep(min(30.0, max(pause, error.reset_after if isinstance(error, RateLimited) else 0.0)))
        else:
            return


def _show_once(event: Event, content: Any) -> None:
    api = OpenAPI(event.bot.credentials)
    token, message_id = str(event.data.get("token") or ""), _message_id(event)
    if token and timezone.now() - event.received_at < TOKEN_LIFE:
        try:
            api.update_card_by_token(token, content)
        except APIError as error:
            if error.code not in TOKEN_USELESS or not message_id:
                raise
        else:
            return
    if message_id:
        api.patch_card(message_id, content)


def _message_id(event: Event) -> str:
    context = event.data.get("context")
    return str(context.get("open_message_id") or "") if isinstance(context, dict) else ""
