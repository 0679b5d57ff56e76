"""Chats and the messages in them."""

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from sandbox.strange_json import parse_json
from sandbox.world import ids

SenderType: TypeAlias = Literal["app", "user"]
IDEMPOTENCY_SECONDS = 3600
MAX_EDITS = 20
_MAX_MESSAGES = 20_000
_SHOWN = [
    "message_id",
    "chat_id",
    "sender",
    "sender_type",
    "msg_type",
    "content",
    "create_time",
    "update_time",
    "parent_id",
    "thread_id",
    "mentions",
    "forwarded",
    "reactions",
    "previews",
    "recalled",
    "updated",
]


@dataclass(slots=True, kw_only=True)
class Chat:
    """A conversation: p2p of one person and one bot, or a group."""

    chat_id: str
    kind: Literal["p2p", "group"]
    people: list[str]
    apps: list[str]
    name: str = ""
    description: str = ""


@dataclass(slots=True)
class Reaction:
    """An emoji below a message; `operator` is an app or a person, `at` milliseconds."""

    reaction_id: str
    emoji_type: str
    operator: str
    by: str
    at: int


@dataclass(slots=True, kw_only=True)
class Preview:
    """What an app makes of a link in a message; without a title the link stays as it is, `href` is where it leads instead."""

    url: str
    token: str
    app_id: str
    title: str = ""
    i18n_title: dict[str, str] = field(default_factory=dict)
    image_key: str = ""
    href: str = ""
    card: dict[str, Any] | None = None


@dataclass(slots=True, kw_only=True)
class Message:
    """A message; `content` is the JSON text its sender gave, times are milliseconds."""

    message_id: str
    chat_id: str
    sender: str
    sender_type: SenderType
    tenant_key: str
    msg_type: str
    content: str
    app_id: str = ""
    """By which app it was sent; "" for what a person wrote in the client."""
    create_time: int
    update_time: int
    root_id: str = ""
    parent_id: str = ""
    thread_id: str = ""
    mentions: list[dict[str, Any]] = field(default_factory=list)
    forwarded: list[str] = field(default_factory=list)
    """Of a merged forward, the ids of the messages in it."""
    reactions: list[Reaction] = field(default_factory=list)
    previews: list[Preview] = field(default_factory=list)
    """Of the links in it, in the order of their answers."""
    readers: dict[str, int] = field(default_factory=dict)
    """Who has read it, and when, in milliseconds."""
    edits: int = 0
    recalled: bool = False
    updated: bool = False

    @property
    def body(self) -> dict[str, Any]:
        """The content, parsed; `{}` when it is no JSON object."""
        parsed = parse_json(self.content)
        return parsed if isinstance(parsed, dict) else {}

    def preview(self, token: str) -> Preview | None:
        """The preview that was asked for with this token."""
        return next((preview for preview in self.previews if preview.token == token), None)

    def shown(self) -> dict[str, Any]:
        """As the page draws it."""
        return {name: getattr(self, name) for name in _SHOWN}


class Mailbox:
    """All chats and messages, the oldest messages forgotten."""

    def __init__(self) -> None:
        self.chats: dict[str, Chat] = {}
        self._messages: OrderedDict[str, Message] = OrderedDict()
        self._by_chat: dict[str, deque[Message]] = {}
        self._sent: OrderedDict[tuple[str, str], tuple[float, str]] = OrderedDict()

    def p2p(self, app_id: str, person_id: str) -> Chat:
        """The conversation of a person with a bot, opened when first needed."""
        chat_id = ids.p2p_chat_id(app_id, person_id)
        chat = self.chats.get(chat_id)
        if chat is None:
            chat = Chat(chat_id=chat_id, kind="p2p", people=[person_id], apps=[app_id])
            self.chats[chat_id] = chat
        return chat

    def between(self, one: str, other: str) -> Chat:
        """The conversation of two people."""
        people = sorted({one, other})
        chat_id = ids.people_chat_id(people)
        return self.chats.setdefault(chat_id, Chat(chat_id=chat_id, kind="p2p", people=people, apps=[]))

    def group(self, *, name: str, people: list[str], apps: list[str]) -> Chat:
        chat = Chat(chat_id=ids.group_chat_id(), kind="group", name=name, people=people, apps=apps)
        self.chats[chat.chat_id] = chat
        return chat

    def get(self, message_id: str) -> Message | None:
        return self._messages.get(message_id)

    def add(self, message: Message) -> None:
        self._messages[message.message_id] = message
        self._by_chat.setdefault(message.chat_id, deque(maxlen=_MAX_MESSAGES)).append(message)
        if len(self._messages) > _MAX_MESSAGES:
            _, oldest = self._messages.popitem(last=False)
            self._by_chat[oldest.chat_id].popleft()

    def in_chat(self, chat_id: str) -> Iterator[Message]:
        """Oldest first."""
        return iter(self._by_chat.get(chat_id, ()))

    def last_in(self, chat_id: str) -> Message | None:
        messages = self._by_chat.get(chat_id)
        return messages[-1] if messages else None

    def in_thread(self, thread_id: str) -> list[Message]:
        return [message for message in self._messages.values() if message.thread_id == thread_id]

    def newest(self, count: int) -> list[Message]:
        """The last so many of all chats, oldest first."""
        return list(self._messages.values())[-count:]

    def sent_before(self, app_id: str, uuid: str, now: float) -> Message | None:
        """The message that this app sent with the same uuid within the last hour."""
        at, message_id = self._sent.get((app_id, uuid), (0.0, ""))
        if now - at >= IDEMPOTENCY_SECONDS:
            return None
        return self._messages.get(message_id)

    def remember(self, app_id: str, uuid: str, message: Message, now: float) -> None:
        self._sent[app_id, uuid] = (now, message.message_id)
        if len(self._sent) > _MAX_MESSAGES:
            self._sent.popitem(last=False)
