"""Closing what was left open: replies whose process was killed, or whose platform took nothing any more.

What they said is nowhere written down, and need not be: a note is added to the card, and its streaming ended.
"""

import logging
import time
from typing import TYPE_CHECKING, Final, cast

from bots.enums import SendingKind
from bots.metrics import count_stream
from bots.models import ReplyStream
from bots.models.streams import ReplyStreamQuerySet
from bots.sending.content import Outgoing
from bots.streaming import records
from bots.streaming.performing import uuid_of
from core.database.connections import give_back
from core.vault.redaction import redact_text
from feishu.card_kit import CardKit
from feishu.errors import APIError, FeishuError
from feishu.localized import reply_localized
from feishu.openapi import OpenAPI
from feishu.streaming.cards import (
    INTERRUPTED,
    closed_settings,
    note_of,
    opened_settings,
    still_card,
    with_note,
)
from feishu.streaming.reply import DUPLICATE_ELEMENT, EPOCH, STREAMING_OVER

if TYPE_CHECKING:
    from feishu.openapi import ReceiveIdType

logger = logging.getLogger(__name__)

GONE: Final = frozenset({200740, 200750})
"""The card does not exist any more, or has had its 14 days."""
MOST: Final = 50
"""Replies in one sweep."""
SECONDS: Final = 60.0
"""That one sweep may take."""


def is_any_left() -> bool:
    """Whether there is something to close."""
    return _left().exists()


def close_left() -> None:
    """Close them, each once: it is claimed before."""
    ends = time.monotonic() + SECONDS
    for row in _left().order_by("lease_until")[:MOST]:
        if time.monotonic() > ends:
            return
        if (claimed := records.claim(row)) is not None:
            _close(claimed)


def _left() -> ReplyStreamQuerySet:
    return ReplyStream.objects.left_open().filter(bot__enabled=True)


def _close(row: ReplyStream) -> None:
    try:
        closer = _Closer(row, OpenAPI(row.bot.credentials))
        give_back(before_waiting=True)
        closer.close()
    except FeishuError as error:
        extra = {
            "app_id": row.bot.app_id,
            "stream": row.pk,
            "platform_code": error.code,
            "error": redact_text(error.message),
        }
        logger.warning("reply_not_closed", extra=extra)
        records.not_closed(row, error)
    else:
        records.closed(row)
        count_stream("swept")
        logger.info("reply_closed", extra={"app_id": row.bot.app_id, "stream": row.pk})


class _Closer:
    """Closes the cards of one reply. Raises FeishuError."""

    def __init__(self, row: ReplyStream, api: OpenAPI) -> None:
        self._row = row
        self._api = api
        self._kit = CardKit(api)
        self._sequence = row.epoch * EPOCH

    def close(self) -> None:
        last = len(self._row.pages) - 1
        for number, (card_id, message_id) in enumerate(self._row.pages):
            if not card_id:
                self._close_message(number, message_id, is_last=number == last)
                continue
            try:
                self._close_card(card_id, is_last=number == last)
            except APIError as error:
                if error.code not in GONE:
                    raise

    def _close_card(self, card_id: str, *, is_last: bool) -> None:
        if is_last:
            try:
                self._note(card_id)
            except APIError as error:
                if error.code not in STREAMING_OVER:
                    raise
                self._kit.change(card_id, opened_settings(), sequence=self._next())
                self._note(card_id)
        self._kit.change(card_id, closed_settings(), sequence=self._next())

    def _note(self, card_id: str) -> None:
        try:
            self._kit.append(card_id, [note_of(INTERRUPTED)], sequence=self._next())
        except APIError as error:
            if error.code != DUPLICATE_ELEMENT:  # it has one already
                raise

    def _close_message(self, number: int, message_id: str, *, is_last: bool) -> None:
        """A message that is replaced as a whole keeps what it says, where the app may read it."""
        if not is_last:
            return
        message_id = message_id or self._sent_before(number)
        try:
            card = with_note(self._api.card(message_id), INTERRUPTED)
        except APIError as error:
            if error.retryable:
                raise
            self._say_beside(message_id)
            return
        self._api.patch_card(message_id, card)

    def _sent_before(self, number: int) -> str:
        """The message_id of a message that was sent when the process ended: sending it again under its uuid tells it. Where it
        was not sent, one is that says what happened."""
        row = self._row
        message = Outgoing(
            kind=SendingKind(row.kind),
            target=row.target,
            receive_id_type=cast("ReceiveIdType | None", row.receive_id_type or None),
            content=still_card("…", INTERRUPTED),
        )
        return message.send(self._api, uuid=uuid_of(row, number)).message_id

    def _say_beside(self, message_id: str) -> None:
        reply_localized(self._api, message_id, INTERRUPTED, uuid=uuid_of(self._row, -1))

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence
