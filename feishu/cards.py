"""Card JSON 2.0 and the answers to card clicks, as plain dicts. Pure.

Every text carries both languages under `i18n_content`; what a client in a third language shows is English.
Version 2.0 refuses attributes it does not know, so nothing is written that was not asked for. Pages: "Card
JSON 2.0 structure", "Configure multi-language content", "Handle card callbacks".
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from feishu.text import Text

Json: TypeAlias = dict[str, Any]
Template: TypeAlias = Literal[
    "blue",
    "wathet",
    "turquoise",
    "green",
    "yellow",
    "orange",
    "red",
    "carmine",
    "violet",
    "purple",
    "indigo",
    "grey",
    "default",
]
ButtonStyle: TypeAlias = Literal[
    "default",
    "primary",
    "danger",
    "text",
    "primary_text",
    "danger_text",
    "primary_filled",
    "danger_filled",
    "laser",
]
ToastKind: TypeAlias = Literal["info", "success", "error", "warning"]

MAX_BYTES: Final = 30 * 1024
MAX_ELEMENTS: Final = 200

# What the page "Rich text" lists as special, and what CommonMark adds.
_MARKUP: Final = str.maketrans({char: f"&#{ord(char)};" for char in "&<>*_~`[]()#\\|!-+=/$\"'"})
_LINE_ENDS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_JOINERS: Final = "\u200c\u200d"
"""Invisible characters that belong to emoji and to the scripts of some languages."""
_BARE_LINK: Final = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
_WORD_JOINER: Final = "\u2060"
"""Invisible; a client that makes links of bare addresses makes none across it."""


def escape(value: str) -> str:
    """Text from outside, made safe inside `markdown`: one line without mentions, links or formatting of its own."""
    return _BARE_LINK.sub(_WORD_JOINER, single_line(value)).translate(_MARKUP)


def single_line(value: str) -> str:
    """Text from outside for `plain_text`: on one line, in the direction it is read."""
    return _visible(_LINE_ENDS.sub(" ", value))


def literal(value: str) -> str:
    """Text from outside, made safe inside a text message, where only tags and links have a meaning and entities have none."""
    return _visible(value).replace("<", "\uff1c").replace("](", "] (")


def _visible(value: str) -> str:
    """Without format characters, which are invisible: some turn the direction of what follows, others hide words."""
    return "".join(
        character
        for character in value
        if character.isascii() or character in _JOINERS or unicodedata.category(character) != "Cf"
    )


def plain_text(text: Text) -> Json:
    """The text object of headers, buttons and confirmations."""
    return {"tag": "plain_text", "content": text.en_us, "i18n_content": text.i18n()}


def markdown(text: Text) -> Json:
    """A paragraph in the platform's Markdown."""
    return {"tag": "markdown", "content": text.en_us, "i18n_content": text.i18n()}


def button(
    text: Text,
    *,
    style: ButtonStyle = "default",
    url: str | None = None,
    value: Mapping[str, Any] | None = None,
    name: str | None = None,
    disabled: bool = False,
    confirm: tuple[Text, Text] | None = None,
) -> Json:
    """A button that opens `url`, calls back with `value`, or both.

    `value` must be an object: official SDKs fail on anything else. `confirm`: title and text of a question
    asked before the click counts.
    """
    element: Json = {"tag": "button", "type": style, "text": plain_text(text)}
    behaviors: list[Json] = []
    if url is not None:
        behaviors.append({"type": "open_url", "default_url": url})
    if value is not None:
        behaviors.append({"type": "callback", "value": dict(value)})
    if behaviors:
        element["behaviors"] = behaviors
    if name is not None:
        element["name"] = name
    if disabled:
        element["disabled"] = True
    if confirm is not None:
        title, question = confirm
        element["confirm"] = {"title": plain_text(title), "text": plain_text(question)}
    return element


def in_a_row(elements: Sequence[Json]) -> Json:
    """Elements side by side, on as many lines as the width needs."""
    columns = [{"tag": "column", "width": "auto", "elements": [element]} for element in elements]
    return {"tag": "column_set", "flex_mode": "flow", "columns": columns}


def header(title: Text, template: Template = "blue", subtitle: Text | None = None) -> Json:
    """The coloured bar on top."""
    bar: Json = {"template": template, "title": plain_text(title)}
    if subtitle is not None:
        bar["subtitle"] = plain_text(subtitle)
    return bar


def card(header: Json | None, elements: Sequence[Json], summary: Text | None = None) -> Json:
    """A whole card, updatable and not to be forwarded. `summary`: what the chat list shows.

    Raises ValueError for more than 200 elements or 30 KB, which the platform refuses.
    """
    config: Json = {"update_multi": True, "enable_forward": False}
    if summary is not None:
        # One text for all languages: no page that was read says that a summary can be translated.
        config["summary"] = {"content": f"{summary.zh_cn} / {summary.en_us}"}
    whole: Json = {"schema": "2.0", "config": config, "body": {"elements": list(elements)}}
    if header is not None:
        whole["header"] = header
    _check_size(whole, len(elements))
    return whole


def toast(kind: ToastKind, text: Text) -> Json:
    """The short message that floats over the chat after a click."""
    return {"type": kind, "content": text.en_us, "i18n": text.i18n()}


def callback_response(toast: Json | None = None, card: Json | None = None) -> Json:
    """The answer to a click; `{}` leaves the card as it is and says nothing."""
    response: Json = {}
    if toast is not None:
        response["toast"] = toast
    if card is not None:
        response["card"] = {"type": "raw", "data": card}
    return response


def link_preview(title: Text, *, card: Json | None = None, image_key: str = "") -> Json:
    """The answer to `url.preview.get`: what the chat shows in the place of a link, and a card below the message (page "Pull link
    preview data"). `image_key`: an uploaded picture that stands before the title."""
    inline: Json = {"i18n_title": title.i18n()}
    if image_key:
        inline["image_key"] = image_key
    return {"inline": inline} | callback_response(card=card)


def _check_size(whole: Json, elements: int) -> None:
    size = len(json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode())
    if size > MAX_BYTES:
        raise ValueError(f"the card has {size} bytes; the platform takes {MAX_BYTES}")
    if elements > MAX_ELEMENTS:
        raise ValueError(f"the card has {elements} elements; the platform takes {MAX_ELEMENTS}")
