"""Changing the card of a click behind its answer: the card that came late, and single-use buttons."""

import logging
import time
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from core.background.retry import RetrySchedule
from core.database.text import storable
from events.clicks.click import Click
from events.handling.registry import single_use_actions
from events.log.sentences import CARD_NOT_UPDATED
from events.metrics import count_card_update
from events.models import Event
from events.notify import notify_buttons
from feishu.callbacks import CLICKS
from feishu.card_buttons import disabled, enabled, failed_click_key, is_single_use
from feishu.cards import Json
from feishu.errors import APIError, FeishuError, RateLimited
from feishu.openapi import OpenAPI

logger = logging.getLogger(__name__)

TOKEN_LIFE = timedelta(minutes=30)
"""How long a click's token updates its card, twice (page "Update message card", delayed update)."""
LOOKUP_SECONDS = 1.0
"""For the platform to show a card that was clicked."""
RETRIES = RetrySchedule((1.0, 3.0, 10.0))
LONGEST_PAUSE = 30.0
"""Seconds a rate limit may make an update wait."""
TOKEN_USELESS = frozenset({300020, 300030, 300040})
"""Codes of that page: token malformed, expired, used up."""


def show_late_answer(event: Event, answer: Any) -> None:
    """Show the card that came after the click was answered; where none came, disable the single-use buttons of the card that
    was clicked.

    By the click's token, which everybody who sees the card follows, else by changing the message. A failure is noted at
    the event.
    """
    if event.event_type not in CLICKS:
        return
    card = answer.get("card") if isinstance(answer, dict) else None
    if isinstance(card, dict):
        _update(event, card.get("data") if card.get("type") == "raw" else card)
    elif is_single_use(event.dedupe_key) and (content := disabled_card(event)):
        _update(event, content)


def disabled_card(event: Event) -> Json | None:
    """The card that was clicked with its single-use buttons disabled; None where they are, or the platform does not show
    it, e.g. because the app lacks the scope."""
    card = _card_of(event)
    return None if card is None else disabled(card, single_use_actions())


def reopen_button(event_pk: int) -> None:
    """Let a single-use button be clicked again, because the click on it failed. Belongs to the transaction that ends the
    click."""
    Event.objects.filter(pk=event_pk).update(dedupe_key=failed_click_key(event_pk))
    transaction.on_commit(partial(notify_buttons, event_pk))


def enable_buttons(event_pk: int) -> None:
    """Show the buttons of a reopened click enabled. Only a click that was answered late left them disabled."""
    event = Event.objects.select_related("bot").filter(pk=event_pk, answered_late=True).first()
    if event is not None and (card := _card_of(event)) and (content := enabled(card, single_use_actions())):
        _update(event, content)


def _card_of(event: Event) -> Json | None:
    try:
        return OpenAPI(event.bot.credentials).card(Click.of(event).message_id, timeout=LOOKUP_SECONDS)
    except FeishuError as error:
        logger.warning("clicked_card_not_shown", extra={"event_pk": event.pk, "error": str(error)})
        return None


def _update(event: Event, content: Any) -> None:
    attempts = 0
    while True:
        try:
            _update_once(event, content)
        except FeishuError as error:
            attempts += 1
            if RETRIES.is_exhausted(attempts) or not error.retryable:
                _note_failure(event, error)
                return
            pause = RETRIES.pause_after(attempts).total_seconds()
            reset_after = error.reset_after if isinstance(error, RateLimited) else 0.0
            time.sleep(min(LONGEST_PAUSE, max(pause, reset_after)))
        except (TypeError, ValueError, RecursionError) as error:
            # The handler's card holds something that JSON cannot say.
            _note_failure(event, error)
            return
        else:
            count_card_update(succeeded=True)
            return


def _note_failure(event: Event, error: Exception) -> None:
    logger.warning("late_card_not_shown", extra={"event_pk": event.pk, "error": str(error)})
    text = storable(CARD_NOT_UPDATED(error=error), 500)
    Event.objects.filter(pk=event.pk).update(error=text)
    count_card_update(succeeded=False)


def _update_once(event: Event, content: Any) -> None:
    api = OpenAPI(event.bot.credentials)
    token, message_id = str(event.data.get("token") or ""), Click.of(event).message_id
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
