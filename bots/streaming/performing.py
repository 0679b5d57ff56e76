"""One call of a streamed reply, carried out at the platform. Blocks; raises FeishuError."""

from dataclasses import dataclass, replace

from bots.models import ReplyStream
from bots.sending.content import Outgoing
from feishu.card_kit import CardKit
from feishu.openapi import OpenAPI, message_uuid
from feishu.streaming.cards import (
    TEXT_ID,
    closed_settings,
    note_of,
    opened_settings,
    still_card,
    summary_of,
    typing_card,
)
from feishu.streaming.reply import Kind, ReplyCall, ReplyPage


@dataclass(frozen=True, slots=True)
class Performed:
    """What the platform answered; empty where it says nothing."""

    card_id: str = ""
    message_id: str = ""
    chat_id: str = ""


def uuid_of(row: ReplyStream, page: int) -> str:
    """By which the platform knows a repetition of one of the reply's messages for an hour, whoever sends it."""
    return message_uuid(row.pk, page)


class Performer:
    """Carries out the calls of one reply."""

    def __init__(self, row: ReplyStream, to: Outgoing, api: OpenAPI) -> None:
        self._row = row
        self._to = to
        self._api = api
        self._kit = CardKit(api)

    def perform(self, call: ReplyCall, page: ReplyPage) -> Performed:
        """Do it. ``page`` is the one that the call is about."""
        match call.kind:
            case Kind.CREATE:
                return Performed(card_id=self._kit.create(typing_card(call.text)))
            case Kind.SEND:
                return self._send(call, page)
            case Kind.PATCH:
                self._api.patch_card(page.message_id, still_card(call.text, call.note))
            case _:
                self._change(call, page.card_id)
        return Performed()

    def _send(self, call: ReplyCall, page: ReplyPage) -> Performed:
        card = {"type": "card", "data": {"card_id": page.card_id}} if page.card_id else None
        message = replace(self._to, content=card or still_card(call.text, call.note))
        sent = message.send(self._api, uuid=uuid_of(self._row, call.page))
        return Performed(message_id=sent.message_id, chat_id=sent.chat_id)

    def _change(self, call: ReplyCall, card_id: str) -> None:
        match call.kind:
            case Kind.TYPE:
                self._kit.type(card_id, TEXT_ID, call.text, sequence=call.sequence)
            case Kind.RENEW:
                self._kit.replace(card_id, typing_card(call.text), sequence=call.sequence)
            case Kind.REOPEN:
                self._kit.change(card_id, opened_settings(), sequence=call.sequence)
            case Kind.CLOSE:
                summary = summary_of(call.text)
                self._kit.change(card_id, closed_settings(summary), sequence=call.sequence)
            case Kind.NOTE if call.note is not None:
                self._kit.append(card_id, [note_of(call.note)], sequence=call.sequence)
