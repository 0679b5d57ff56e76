"""Buttons on cards: what a click asks for, and buttons that count once (``"once": true`` in their value). Pure.

A click is read before it is stored. A button that counts once is disabled by the first click, and enabled again when
that click came to nothing.

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
    """``action``: ``value["action"]`` of the button. ``once_key``: set when ``value["once"]`` is true; equal for every
    click on that button of that message, whoever clicks."""

    action: str
    once_key: str


_ONCE: Final = "once:"
NO_CLICK: Final = ClickedButton("", "")


class _Action(msgspec.Struct):
    value: Any = None
    name: str | None = None


class _Context(msgspec.Struct):
    open_message_id: str | None = None


class _Event(msgspec.Struct):
    action: _Action | None = None
    context: _Context | None = None


class _Callback(msgspec.Struct):
    event: _Event | None = None
    # The old callback is flat.
    action: _Action | None = None
    open_message_id: str | None = None


_callback = msgspec.json.Decoder(_Callback)


def read_click(payload: bytes) -> ClickedButton:
    """The button behind a callback's payload; NO_CLICK where there is none that could be read."""
    try:
        callback = _callback.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        return NO_CLICK
    event = callback.event or _Event(callback.action, _Context(callback.open_message_id))
    action = event.action
    if action is None or not isinstance(action.value, dict):
        return NO_CLICK
    asked = str(action.value.get("action", ""))
    message_id = event.context.open_message_id if event.context else None
    if action.value.get("once") is not True or not message_id:
        return ClickedButton(asked, "")
    button = msgspec.json.encode([message_id, action.name, action.value], order="sorted")
    return ClickedButton(asked, f"{_ONCE}{hashlib.sha256(button).hexdigest()}")


def is_single_use(dedupe_key: str) -> bool:
    """Whether the key is a button's that counts once."""
    return dedupe_key.startswith(_ONCE)


def failed_click_key(number: int) -> str:
    """A key for a click that failed, so that the button can be clicked again; ``number`` is the event's own."""
    return f"click:{number}"


def disabled(card: Json) -> Json | None:
    """The card with its buttons that count once disabled; None where there is none that is not."""

    def disable(button: Json) -> bool:
        if button.get("disabled") is True:
            return False
        button |= {"disabled": True, "disabled_tips": plain_text(CLICKED)}
        return True

    return _changed(card, disable)


def enabled(card: Json) -> Json | None:
    """The card with those buttons as they were before ``disabled``; None where none was disabled by it."""

    def enable(button: Json) -> bool:
        if button.get("disabled") is not True or button.get("disabled_tips") != plain_text(CLICKED):
            return False
        del button["disabled"], button["disabled_tips"]
        return True

    return _changed(card, enable)


def _changed(card: Json, change: Callable[[Json], bool]) -> Json | None:
    copy = json.loads(json.dumps(card))
    changes = [change(button) for button in _elements(copy) if _counts_once(button)]
    return copy if any(changes) else None


def _elements(card: Json) -> Iterator[Json]:
    """Every object within a card, however deep."""
    left: list[Any] = [card]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            yield one
            left += one.values()
        elif isinstance(one, list):
            left += one


def _counts_once(element: Json) -> bool:
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
