"""Cards that are put in place behind a click: what its handler returned late, and buttons that count once."""

import logging
import time
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from core.database.text import storable
from events.models import Event, HandlerRun
from events.notify import notify_buttons
from feishu.card_buttons import disabled, enabled, failed_click_key, is_single_use
from feishu.cards import Json
from feishu.envelope import CALLBACK_TYPES
from feishu.errors import APIError, FeishuError, RateLimited
from feishu.openapi import OpenAPI

logger = logging.getLogger("events.clicks")

TOKEN_LIFE = timedelta(minutes=30)
"""How long a click's token updates its card, twice (page "Update message card", delayed update)."""
LOOK_SECONDS = 1.0
"""What the platform gets to show a card that was clicked."""
PAUSES = (1.0, 3.0, 10.0)  # seconds between tries
TOKEN_USELESS = frozenset({300020, 300030, 300040})
"""Codes of that page: token malformed, expired, used up."""


def show_late_answer(delivery: HandlerRun, answer: Any) -> None:
    """What a click's handler returned after the click was answered: its card replaces the one that was clicked. Where it
    returned none, the buttons of that one which count once are disabled.

    By the click's token, which everybody who sees the card follows, else by changing the message. What could not be
    shown is noted at the event.
    """
    event = delivery.event
    if event.event_type not in CALLBACK_TYPES:
        return
    card = answer.get("card") if isinstance(answer, dict) else None
    if isinstance(card, dict):
        _put(event, card.get("data") if card.get("type") == "raw" else card)
    elif is_single_use(event.dedupe_key) and (content := spent_card(event)):
        _put(event, content)


def spent_card(event: Event) -> Json | None:
    """The card that was clicked, its buttons that count once disabled; None where they are, or the platform does not
    show it, e.g. because the app lacks the scope."""
    card = _card_of(event)
    return None if card is None else disabled(card)


def count_again(event_pk: int) -> None:
    """A click on a button that counts once came to nothing: the next one is new. Belongs into the transaction that ends
    the click."""
    Event.objects.filter(pk=event_pk).update(dedupe_key=failed_click_key(event_pk))
    transaction.on_commit(partial(notify_buttons, event_pk))


def enable_buttons(event_pk: int) -> None:
    """Make the card look like it, where the click came to nothing after the person was told to wait."""
    event = Event.objects.select_related("bot").filter(pk=event_pk, rescued=True).first()
    if event is not None and (card := _card_of(event)) and (content := enabled(card)):
        _put(event, content)


def _card_of(event: Event) -> Json | None:
    try:
        return OpenAPI(event.bot.credentials).card(_message_id(event), timeout=LOOK_SECONDS)
    except FeishuError as error:
        logger.warning("clicked_card_not_shown", extra={"event_pk": event.pk, "error": str(error)})
        return None


def _put(event: Event, content: Any) -> None:
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
