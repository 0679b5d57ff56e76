"""Buttons on cards: which one was clicked, and single-use buttons (``"once": true`` in their value). Pure.

A click is read before it is stored. A single-use button is disabled by the first click, and enabled again when that
click failed.

Shapes as in the pages "Card callback communication", "Button" of both card versions and, for the old flat callback,
"Card callback structure".
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from feishu.cards import Json, plain_text
from feishu.text import Text

CLICKED: Final = Text("已经点击过了", "Clicked already")


@dataclass(frozen=True, slots=True)
class ClickedButton:
    """``action``: ``value["action"]`` of the button. ``single_use_key``: equal for every click on a single-use button of one
    message, whoever clicks; empty for other buttons."""

    action: str
    single_use_key: str


_SINGLE_USE: Final = "once:"
NO_CLICK: Final = ClickedButton("", "")


class _Action(msgspec.Struct):
    value: Any = None
    name: str | None = None


class _Context(msgspec.Struct):
    open_message_id: str | None = None


class _Event(msgspec.Struct):
    action: _Action | None = None
    context: _Context | None = None


_event = msgspec.json.Decoder(_Event)
_action = msgspec.json.Decoder(_Action)


def read_click(event: bytes | msgspec.Raw) -> ClickedButton:
    """The button behind the ``event`` of a callback; NO_CLICK where there is none that could be read."""
    try:
        content = _event.decode(event)
    except (msgspec.DecodeError, RecursionError):
        return NO_CLICK
    return _button(content.action, content.context.open_message_id if content.context else None)


def read_old_click(action: bytes | msgspec.Raw, open_message_id: str | None) -> ClickedButton:
    """The same for the old callback, which is flat."""
    try:
        return _button(_action.decode(action), open_message_id)
    except (msgspec.DecodeError, RecursionError):
        return NO_CLICK


def _button(action: _Action | None, message_id: str | None) -> ClickedButton:
    if action is None or not isinstance(action.value, dict):
        return NO_CLICK
    name = str(action.value.get("action", ""))
    if action.value.get("once") is not True or not message_id:
        return ClickedButton(name, "")
    button = msgspec.json.encode([message_id, action.name, action.value], order="sorted")
    return ClickedButton(name, f"{_SINGLE_USE}{hashlib.sha256(button).hexdigest()}")


def is_single_use(dedupe_key: str) -> bool:
    """Whether the key is one of a single-use button."""
    return dedupe_key.startswith(_SINGLE_USE)


def failed_click_key(number: int) -> str:
    """The key of a click that failed, so that its button can be clicked again; ``number`` is the event's primary key."""
    return f"click:{number}"


def disabled(card: Json) -> Json | None:
    """The card with its single-use buttons disabled; None where it has none or all are."""

    def disable(button: Json) -> bool:
        if button.get("disabled") is True:
            return False
        button |= {"disabled": True, "disabled_tips": plain_text(CLICKED)}
        return True

    return _changed(card, disable)


def enabled(card: Json) -> Json | None:
    """The card as it was before ``disabled``; None where that disabled none of its buttons."""

    def enable(button: Json) -> bool:
        if button.get("disabled") is not True or button.get("disabled_tips") != plain_text(CLICKED):
            return False
        del button["disabled"], button["disabled_tips"]
        return True

    return _changed(card, enable)


def _changed(card: Json, change: Callable[[Json], bool]) -> Json | None:
    copy = json.loads(json.dumps(card))
    changes = [change(button) for button in _elements(copy) if _is_single_use(button)]
    return copy if any(changes) else None


def _elements(card: Json) -> Iterator[Json]:
    """Every object within a card, however deep."""
    waiting: list[Any] = [card]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _is_single_use(element: Json) -> bool:
    if element.get("tag") != "button":
        return False
    behaviors = element.get("behaviors")
    values = (
        [one.get("value") for one in behaviors if isinstance(one, dict)]
        if isinstance(behaviors, list)
        else []
    )
    return any(
        isinstance(value, dict) and value.get("once") is True for value in (element.get("value"), *values)
    )
