"""Reading what a person wrote in a chat: the text of a message, and whom it mentions. Pure.

Messages come in two shapes: in the event `im.message.receive_v1` (`message_type`, `content`, `mentions[].id.open_id`) and
in the answer of "Get message content" (`msg_type`, `body.content`, `mentions[].id`). A rich-text message (`post`) is flat
or has its content under the key of a language. No message makes reading it raise: a malformed one holds no text.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from feishu.values import mapping_of, text_of

MAX_CONTENT: Final = 200_000
"""Characters of `content` that are read; the platform's limit is 150 KB."""
MAX_ELEMENTS: Final = 500
MAX_MENTIONS: Final = 200
_MENTION: Final = re.compile(r"@_user_[0-9]{1,6}|@_all")
_MENTION_OF_ALL: Final = frozenset({"@_all", "all"})
_MEDIA: Final = frozenset({"img", "media", "file", "audio", "video"})


@dataclass(frozen=True, slots=True)
class WrittenMessage:
    """What a person wrote. `text`: lines without mentions; empty for a message that is no text, or malformed."""

    kind: str
    """The platform's name for the kind of message: text, post, image…"""
    text: str = ""
    mentioned: frozenset[str] = frozenset()
    """open_ids of the people and bots that are mentioned."""
    people: frozenset[str] = frozenset()
    """Of these, whom the event calls a person; others are bots, or it does not say."""
    mentions_all: bool = False
    has_media: bool = False
    """A rich-text message with a picture or a video in it."""

    @property
    def is_written(self) -> bool:
        """Whether it is of a kind that holds text."""
        return self.kind in {"text", "post"}


def read_message(message: object) -> WrittenMessage:
    """Read a message in either shape."""
    fields = mapping_of(message)
    kind = fields.get("message_type") or fields.get("msg_type")
    raw = fields.get("content")
    if raw is None:
        raw = mapping_of(fields.get("body")).get("content")
    reading = _Reading()
    if kind == "text":
        reading.add_text(content_object(raw).get("text"))
    elif kind == "post":
        reading.add_post(content_object(raw))
    listed = fields.get("mentions")
    for mention in listed[:MAX_MENTIONS] if isinstance(listed, list) else ():
        reading.add_mention(mention)
    return WrittenMessage(
        kind=text_of(kind),
        text="".join(reading.parts).strip(),
        mentioned=frozenset(reading.mentioned),
        people=frozenset(reading.people),
        mentions_all=reading.mentions_all,
        has_media=reading.has_media,
    )


class _Reading:
    """What has been read of one message so far."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.mentioned: set[str] = set()
        self.people: set[str] = set()
        self.mentions_all = False
        self.has_media = False

    def add_text(self, text: object) -> None:
        if isinstance(text, str):
            self.mentions_all |= "@_all" in text
            self.parts.append(_MENTION.sub(" ", text))

    def add_post(self, content: dict[str, Any]) -> None:
        post = post_in(content)
        self.add_text(post.get("title"))
        elements = 0
        for paragraph in _paragraphs(post.get("content")):
            self.parts.append("\n")
            for element in paragraph:
                elements += 1
                if elements > MAX_ELEMENTS:
                    return
                self._add_element(mapping_of(element))

    def _add_element(self, element: Mapping[str, Any]) -> None:
        tag = str(element.get("tag"))
        if tag == "at":
            # A key of `mentions`, or the open_id itself.
            user = element.get("user_id") or element.get("open_id")
            self.mentions_all |= user in _MENTION_OF_ALL if isinstance(user, str) else False
            if isinstance(user, str) and user.startswith("ou_"):
                self.mentioned.add(user)
            self.parts.append(" ")
        elif tag in _MEDIA:
            self.has_media = True
        else:
            self.add_text(element.get("text"))

    def add_mention(self, mention: object) -> None:
        fields = mapping_of(mention)
        who = fields.get("id")
        open_id = who if isinstance(who, str) else mapping_of(who).get("open_id")
        if isinstance(open_id, str) and open_id.startswith("ou_"):
            self.mentioned.add(open_id)
            if fields.get("mentioned_type") == "user":
                self.people.add(open_id)
        elif fields.get("key") == "@_all" or open_id in _MENTION_OF_ALL or not _is_anybody(who):
            self.mentions_all = True  # @all has no id


def _is_anybody(who: object) -> bool:
    """Whether it is an id, of whatever kind, or an object with one."""
    return any(who.values()) if isinstance(who, dict) else bool(who)


def post_in(content: dict[str, Any], language: str = "zh_cn") -> Mapping[str, Any]:
    """The post itself, which may lie under `post` and under the key of a language: of several in ``language``, if it is there."""
    found: Mapping[str, Any] = content
    for _level in range(2):
        if isinstance(found.get("content"), list) or isinstance(found.get("title"), str):
            return found
        languages = [mapping_of(found.get(name)) for name in ("post", language, "zh_cn", *found)]
        filled = [one for one in languages if one.get("content") or one.get("title")]
        found = next(iter([*filled, *filter(None, languages)]), {})
    return found


def _paragraphs(content: object) -> Iterator[list[Any]]:
    for paragraph in content if isinstance(content, list) else ():
        yield paragraph if isinstance(paragraph, list) else [paragraph]


def content_object(raw: object) -> dict[str, Any]:
    """The object that the `content` of a message spells as JSON text; empty where it spells none."""
    if not isinstance(raw, str) or len(raw) > MAX_CONTENT:
        return {}
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return mapping_of(value)
