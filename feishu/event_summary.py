"""An event in short, for lists: who did it, in which chat, and what was said or done. Pure.

Shapes as in the pages of the events, which name a person and a chat in a dozen places.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from feishu.card_buttons import action_of
from feishu.message_parts import paragraphs_of, plain_text
from feishu.values import mapping_of, text_of

MAX_TEXT: Final = 200
"""Characters of each word."""
_MAX_NAMES: Final = 10
_NAMED: Final = ("name", "event_key", "topic", "title", "status", "revoke_reason", "url")
"""Fields with a word for what an event is about: a group, a menu's entry, a meeting, a document, an approval."""


class EventSummary(msgspec.Struct, frozen=True, gc=False):
    """What is not known is empty. In no language: a picture has its ``kind`` and no text. Each can be stored and shown: on one
    line, without a NUL and halves of surrogate pairs."""

    sender: str = ""
    """The open_id of who wrote, clicked, joined."""
    chat: str = ""
    """A chat_id."""
    chat_type: str = ""
    """Of a message: p2p or group."""
    kind: str = ""
    """Of a message: text, post, image, file, interactive…"""
    text: str = ""
    """What was said, or a word for what was done."""


NOTHING: Final = EventSummary()


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


class _Payload(_Fields):
    event: _Fields | None = None
    """Absent from the old card callback, whose fields stand at the top."""


_payload = msgspec.json.Decoder(_Payload)
_PEOPLE: Final = ("sender", "operator", "operator_id", "reader", "user_id", "user", "object", "open_id")
_IDS: Final = ("open_id", "sender_id", "operator_id", "reader_id", "id")


def summarize(payload: bytes) -> EventSummary:
    """Of a payload as it was stored, of either schema."""
    try:
        found = _payload.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        return NOTHING
    fields = found.event or found
    message, context = mapping_of(fields.message), mapping_of(fields.context)
    chats = (message.get("chat_id"), fields.chat_id, context.get("open_chat_id"), fields.open_chat_id)
    people = (_open_id(getattr(fields, name)) for name in _PEOPLE)
    return EventSummary(
        sender=_word(next(filter(None, people), "")),
        chat=_word(next((chat for chat in chats if isinstance(chat, str)), "")),
        chat_type=_word(text_of(message.get("chat_type"))),
        kind=_word(text_of(message.get("message_type"))),
        text=_word(plain_text(paragraphs_of(message)) if message else _deed(fields, context)),
    )


def _word(text: str) -> str:
    return " ".join(text.replace("\x00", "").split())[:MAX_TEXT].encode(errors="replace").decode()


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
