"""An event in short, for lists: who did it, in which chat, and what was said or done. Pure.

Shapes as in the pages of the events, which name a person and a chat in a dozen places.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from feishu.card_buttons import action_of
from feishu.message_parts import paragraphs_of, plain_text, with_names
from feishu.values import mapping_of, text_of

MAX_TEXT: Final = 200
"""Characters of ``text``."""
_MAX_NAMES: Final = 10
_NAMED: Final = ("name", "event_key", "topic", "title", "status", "revoke_reason", "url")
"""Fields with a word for what an event is about: a group, a menu's entry, a meeting, a document, an approval."""


class EventSummary(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What is not known is empty. In no language: a picture has its ``kind`` and no text."""

    sender: str = ""
    """The open_id of who wrote, clicked, joined."""
    chat: str = ""
    """A chat_id."""
    chat_type: str = ""
    """Of a message: p2p or group."""
    kind: str = ""
    """Of a message: text, post, image, file, interactive…"""
    text: str = ""
    """What was said, or a word for what was done, on one line."""


NOTHING: Final = EventSummary()


class _Id(msgspec.Struct):
    open_id: str | None = None


class _Sender(msgspec.Struct):
    sender_id: _Id | None = None


class _Mention(msgspec.Struct):
    key: str
    name: str


class _TextMessage(msgspec.Struct):
    chat_id: str
    chat_type: str
    message_type: Literal["text"]
    content: str
    mentions: list[_Mention] | None = None


class _Written(msgspec.Struct):
    sender: _Sender
    message: _TextMessage


class _Text(msgspec.Struct):
    text: str


_written = msgspec.json.Decoder(_Written)
_text_content = msgspec.json.Decoder(_Text)


class _Fields(msgspec.Struct):
    # Anything, because a list must not fail where the platform sends something else.
    message: Any = None
    sender: Any = None
    operator: Any = None
    operator_id: Any = None
    reader: Any = None
    user_id: Any = None
    user: Any = None
    users: Any = None
    object: Any = None
    meeting: Any = None
    open_id: Any = None
    chat_id: Any = None
    open_chat_id: Any = None
    context: Any = None
    action: Any = None
    reaction_type: Any = None
    name: Any = None
    event_key: Any = None
    topic: Any = None
    title: Any = None
    status: Any = None
    revoke_reason: Any = None
    url: Any = None


_fields = msgspec.json.Decoder(_Fields)
_PEOPLE: Final = ("sender", "operator", "operator_id", "reader", "user_id", "user", "object", "open_id")
_IDS: Final = ("open_id", "sender_id", "operator_id", "reader_id", "id")


def summarize_message(event: bytes | msgspec.Raw) -> EventSummary:
    """The `event` object of an im.message.receive_v1. Most hold a plain text, and there are more of them than of any other
    event: for these it takes a fifth of the time."""
    try:
        written = _written.decode(event)
        text = _text_content.decode(written.message.content).text
    except (msgspec.DecodeError, RecursionError):
        return summarize(event)
    message, sender = written.message, written.sender.sender_id
    if "@_" in text:
        text = with_names(text, {one.key: one.name for one in message.mentions or ()})
    words = " ".join(text.split())[:MAX_TEXT]
    return EventSummary((sender and sender.open_id) or "", message.chat_id, message.chat_type, "text", words)


def summarize(event: bytes | msgspec.Raw) -> EventSummary:
    """The `event` object of a payload, or an old card callback, which has none, as a whole."""
    try:
        fields = _fields.decode(event)
    except (msgspec.DecodeError, RecursionError):
        return NOTHING
    message, context = mapping_of(fields.message), mapping_of(fields.context)
    chats = (message.get("chat_id"), fields.chat_id, context.get("open_chat_id"), fields.open_chat_id)
    people = (_open_id(getattr(fields, name)) for name in _PEOPLE)
    return EventSummary(
        sender=next(filter(None, people), ""),
        chat=next((chat for chat in chats if isinstance(chat, str)), ""),
        chat_type=text_of(message.get("chat_type")),
        kind=text_of(message.get("message_type")),
        text=plain_text(paragraphs_of(message))[:MAX_TEXT] if message else _deed(fields, context)[:MAX_TEXT],
    )


def _deed(fields: _Fields, context: Mapping[str, Any]) -> str:
    """A word for what was done."""
    action = mapping_of(fields.action)
    if action:
        chosen = (action.get(name) for name in ("option", "input_value"))
        words = [action_of(action), *(text for text in chosen if isinstance(text, str))]
        return " · ".join(filter(None, words))
    if isinstance(fields.users, list):
        names = (text_of(mapping_of(user).get("name")) for user in fields.users[:_MAX_NAMES])
        return ", ".join(filter(None, names))
    return next(filter(None, _words(fields, context)), "")


def _words(fields: _Fields, context: Mapping[str, Any]) -> Iterator[str]:
    yield text_of(mapping_of(fields.reaction_type).get("emoji_type"))
    for owner in (fields.object, fields.meeting, context):
        yield from (text_of(mapping_of(owner).get(name)) for name in _NAMED)
    yield from (text_of(getattr(fields, name)) for name in _NAMED)


def _open_id(value: Any) -> str:
    """Of a person, who is an open_id, an object with one, or one that holds such an object."""
    for _level in range(3):
        if isinstance(value, str):
            return value if value.startswith("ou_") else ""
        found = (mapping_of(value).get(name) for name in _IDS)
        value = next((one for one in found if one), None)
    return ""
