"""A sentence for people, as a message that each reads in a language of their own.

A text message has one language. A rich-text message (`post`) has a part for each, under the keys `zh_cn`, `en_us` and others,
one of them at least, and the client shows the one its person has chosen (page "Send message content", rich text).
"""

from collections.abc import Callable
from typing import Any, Final

from feishu.errors import APIError
from feishu.openapi import OpenAPI, ReceiveIdType, SentMessage
from feishu.text import Text

REFUSED: Final = frozenset({230001, 230054})
"""Codes of a platform that takes no such message: an invalid parameter, a kind of message that is not supported."""


def send_localized(
    api: OpenAPI, receive_id: str, text: Text, *, receive_id_type: ReceiveIdType = "open_id", uuid: str
) -> SentMessage:
    """Send ``text``, a paragraph a line; what it raises, and ``uuid``, are those of ``OpenAPI.send_message``."""
    return _say(
        text,
        lambda msg_type, content: api.send_message(
            receive_id, msg_type, content, receive_id_type=receive_id_type, uuid=uuid
        ),
    )


def reply_localized(api: OpenAPI, message_id: str, text: Text, *, uuid: str) -> SentMessage:
    """Answer a message with ``text``, likewise."""
    return _say(text, lambda msg_type, content: api.reply(message_id, msg_type, content, uuid=uuid))


def post_of(text: Text) -> dict[str, Any]:
    """The content of the rich-text message."""
    return {
        language: {"content": [[{"tag": "text", "text": line}] for line in said.split("\n")]}
        for language, said in text.i18n().items()
    }


def _say(text: Text, send: Callable[[str, dict[str, Any]], SentMessage]) -> SentMessage:
    """In all languages one after the other where the platform refuses the post. The uuid may be the same: nothing was sent."""
    try:
        return send("post", post_of(text))
    except APIError as error:
        if error.code not in REFUSED:
            raise
    return send("text", {"text": "\n".join(text.i18n().values())})
