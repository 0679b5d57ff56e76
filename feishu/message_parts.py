"""What a message shows, in paragraphs of parts: text, links, mentions, pictures, files, buttons. For lists and pages. Pure.

Shapes as in the page "Receive message content": the `content` of a message is JSON text. A rich-text message and a card, of
which an event has the words alone, hold lists of elements, a list a line. A malformed message has no parts, and none makes
reading it raise.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from feishu.message_text import MAX_ELEMENTS, MAX_MENTIONS, content_object, post_in
from feishu.text import Text
from feishu.values import mapping_of, text_of

KIND_NAMES: Final = {
    "image": Text("图片", "Image"),
    "file": Text("文件", "File"),
    "audio": Text("语音", "Voice message"),
    "media": Text("视频", "Video"),
    "video": Text("视频", "Video"),
    "sticker": Text("表情包", "Sticker"),
    "interactive": Text("卡片", "Card"),
    "folder": Text("文件夹", "Folder"),
    "hongbao": Text("红包", "Red packet"),
    "share_chat": Text("群名片", "Group card"),
    "share_user": Text("个人名片", "Contact card"),
    "share_calendar_event": Text("日程", "Calendar event"),
    "calendar": Text("日程邀请", "Calendar invitation"),
    "general_calendar": Text("日程", "Calendar event"),
    "system": Text("系统消息", "System message"),
    "location": Text("位置", "Location"),
    "video_chat": Text("视频会议", "Video meeting"),
    "todo": Text("任务", "Task"),
    "vote": Text("投票", "Vote"),
    "merge_forward": Text("合并转发", "Forwarded messages"),
    "text": Text("文本", "Text"),
    "post": Text("富文本", "Rich text"),
}
"""What people call the kinds of messages, by the platform's names for them (`message_type`)."""
_PLACE: Final = re.compile(r"(@_user_[0-9]{1,6}|@_all)")


class PartKind(StrEnum):
    TEXT = "text"
    LINK = "link"
    MENTION = "mention"
    IMAGE = "image"
    FILE = "file"
    EMOJI = "emoji"
    CODE = "code"
    BUTTON = "button"


@dataclass(frozen=True, slots=True)
class MessagePart:
    """``text``: what is read, of a file its name; a picture has none. ``href``: where a link leads, as it was written."""

    kind: PartKind
    text: str = ""
    href: str = ""


Paragraph = list[MessagePart]

_SAID: Final = ("text", "title", "topic", "name", "summary")
"""Where messages of the rarer kinds have their words: a red packet, a vote, a meeting, a place, an appointment."""


def paragraphs_of(message: object, language: str = "zh_cn") -> list[Paragraph]:
    """The paragraphs of the `message` of an event im.message.receive_v1; of a rich text in several languages, the part in
    ``language``, if there is one."""
    fields = mapping_of(message)
    kind = fields.get("message_type")
    content = content_object(fields.get("content"))
    names = _names_of(fields.get("mentions"))
    if kind == "post":
        return list(_lines(post_in(content, language), names))
    if kind == "interactive":
        return list(_lines(content, names))
    if kind == "image":
        return [[MessagePart(PartKind.IMAGE)]]
    if "file_key" in content:
        return [[MessagePart(PartKind.FILE, text_of(content.get("file_name")))]]
    said = next((found for key in _SAID if (found := text_of(content.get(key)))), "")
    return [list(_with_mentions(line, names)) for line in said.splitlines()]


def plain_text(paragraphs: list[Paragraph]) -> str:
    """The words alone, on one line."""
    return " ".join(" ".join("".join(part.text for part in line) for line in paragraphs).split())


def _lines(content: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Paragraph]:
    if title := text_of(content.get("title")):
        yield list(_with_mentions(title, names))
    elements = 0
    rows = content.get("content", content.get("elements"))
    for row in rows if isinstance(rows, list) else ():
        line: Paragraph = []
        for element in row if isinstance(row, list) else [row]:
            elements += 1
            if elements > MAX_ELEMENTS:
                return
            line += _parts(mapping_of(element), names)
        yield line


def _parts(element: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[MessagePart]:
    text = text_of(element.get("text"))
    match element.get("tag"):
        case "a":
            yield MessagePart(PartKind.LINK, text, text_of(element.get("href")))
        case "at":
            who = text_of(element.get("user_id"))
            yield MessagePart(
                PartKind.MENTION, f"@{text_of(element.get('user_name')) or names.get(who) or who}"
            )
        case "img":
            yield MessagePart(PartKind.IMAGE)
        case "media" | "file" | "audio" | "video":
            yield MessagePart(PartKind.FILE, text_of(element.get("file_name")))
        case "emotion":
            yield MessagePart(PartKind.EMOJI, f"[{text_of(element.get('emoji_type'))}]")
        case "code_block":
            yield MessagePart(PartKind.CODE, text)
        case "button":
            yield MessagePart(PartKind.BUTTON, text)
        case _:
            yield from _with_mentions(text, names)


def _with_mentions(text: str, names: Mapping[str, str]) -> Iterator[MessagePart]:
    for piece in _PLACE.split(text):
        if piece == "@_all":
            yield MessagePart(PartKind.MENTION, "@all")
        elif piece in names:
            yield MessagePart(PartKind.MENTION, f"@{names[piece]}")
        elif piece:
            yield MessagePart(PartKind.TEXT, piece)


def _names_of(mentions: object) -> dict[str, str]:
    """Names by the key that stands for them in the text."""
    listed = mentions[:MAX_MENTIONS] if isinstance(mentions, list) else []
    fields = map(mapping_of, listed)
    return {text_of(one.get("key")): name for one in fields if (name := text_of(one.get("name")))}
