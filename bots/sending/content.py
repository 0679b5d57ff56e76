"""What can be sent: a message, a reply, a new version of a card; within the platform's limits."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Final

from bots.enums import SendingKind
from bots.errors import ContentError
from feishu.openapi import OpenAPI, ReceiveIdType, SentMessage

MAX_TEXT: Final = 150 * 1024
"""Bytes of a text message's content (page "Send message")."""
MAX_CONTENT: Final = 30 * 1024
"""Bytes of a card's or post's content, and enough for every other kind."""
CARD: Final = "interactive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """``target``: whom the message is for, or the message that is answered or updated."""

    kind: SendingKind
    target: str
    content: dict[str, Any] = field(repr=False)
    msg_type: str = CARD
    receive_id_type: ReceiveIdType | None = None
    in_thread: bool = False
    asked: Any = field(default=None, repr=False)
    """What the request holds in place of the content, where that is made of it, e.g. of a card template."""

    @property
    def fingerprint(self) -> str:
        """The same for the same request, however its JSON was written; hex SHA-256."""
        parts = [
            self.kind.value, self.target, self.msg_type, self.receive_id_type, self.in_thread,
            self.content if self.asked is None else self.asked,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def send(self, api: OpenAPI, *, uuid: str | None) -> SentMessage:
        """Raises FeishuError. ``uuid``: for the platform, which sends once in an hour; an update needs none."""
        match self.kind:
            case SendingKind.MESSAGE:
                return api.send_message(
                    self.target,
                    self.msg_type,
                    self.content,
                    receive_id_type=self.receive_id_type or "open_id",
                    uuid=uuid,
                )
            case SendingKind.REPLY:
                return api.reply(
                    self.target, self.msg_type, self.content, in_thread=self.in_thread, uuid=uuid
                )
            case SendingKind.UPDATE:
                api.patch_card(self.target, self.content)
                return SentMessage(self.target, "")


def read_content(content: dict[str, Any] | str, *, msg_type: str) -> dict[str, Any]:
    """The content as an object; it may come as the platform wants it, as the text of one. Raises ContentError."""
    if isinstance(content, str):
        try:
            content = json.loads(content)
        except (ValueError, RecursionError):
            content = ""
        if not isinstance(content, dict):
            raise ContentError('content is an object, or the JSON text of one, e.g. {"text": "Hello"}.')
    try:
        size = len(json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode())
    except (ValueError, RecursionError):
        raise ContentError("content holds something that JSON or UTF-8 cannot say.") from None
    limit = MAX_TEXT if msg_type == "text" else MAX_CONTENT
    if size > limit:
        raise ContentError(f"content has {size} bytes; the platform takes {limit}.")
    return content
