"""Buttons on cards: which one was clicked, and single-use buttons (``"once": true`` in their value, or a handler that is
registered so). Pure.

A click is read before it is stored. A single-use button is disabled by the first click, and enabled again when that
click failed.

Shapes as in the pages "Card callback communication", "Button" of both card versions and, for the old flat callback,
"Card callback structure".
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from feishu.cards import Json, plain_text
from feishu.text import Text

CLICKED: Final = Text("已经点击过了", "Clicked already")


@dataclass(frozen=True, slots=True)
class ClickedButton:
    """``action``: see ``action_of``. ``single_use_key``: equal for every click on a single-use button of one message,
    whoever clicks; empty for other buttons. ``button_key``: the same for any button, which its handler may make one of
    single use."""

    action: str
    single_use_key: str
    button_key: str = ""


_SINGLE_USE: Final = "once:"
_MOST_TIMES: Final = 3
"""How often an object may have been made text."""
NO_CLICK: Final = ClickedButton("", "")


class _Action(msgspec.Struct):
    value: Any = None
    name: Any = None
    tag: Any = None


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
    if action is None:
        return NO_CLICK
    value = read_value(action.value)
    name = _action_name(value, action.name, action.tag)
    if not message_id or not name:
        return ClickedButton(name, "")
    button = msgspec.json.encode([message_id, action.name, value], order="sorted")
    key = f"{_SINGLE_USE}{hashlib.sha256(button).hexdigest()}"
    is_single = isinstance(value, dict) and value.get("once") is True
    return ClickedButton(name, key if is_single else "", key)


def read_value(value: Any) -> Any:
    """What stands in ``action.value``: an object that was sent as JSON text as that object, also where that text was made text
    once more; anything else as it is."""
    read = value
    for _time in range(_MOST_TIMES):
        if not isinstance(read, str) or not read.lstrip().startswith(("{", '"')):
            break
        try:
            read = json.loads(read)
        except (ValueError, RecursionError):
            break
    return read if isinstance(read, dict) else value


def action_of(action: Any) -> str:
    """What a click asks for, of the ``action`` in its event: ``value["action"]``, or the value where that is a plain word or a
    number; else the name of what was clicked, as of the submit button of a form; else its tag, such as ``overflow``."""
    if not isinstance(action, dict):
        return ""
    return _action_name(read_value(action.get("value")), action.get("name"), action.get("tag"))


def _action_name(value: Any, name: Any, tag: Any) -> str:
    asked = value.get("action") if isinstance(value, dict) else value
    words = (one for one in (asked, name, tag) if isinstance(one, str | int) and not isinstance(one, bool))
    return next((str(word) for word in words if word != ""), "")


def is_single_use(dedupe_key: str) -> bool:
    """Whether the key is one of a single-use button."""
    return dedupe_key.startswith(_SINGLE_USE)


def failed_click_key(number: int) -> str:
    """The key of a click that failed, so that its button can be clicked again; ``number`` is the event's primary key."""
    return f"click:{number}"


def disabled(card: Json, actions: Collection[str] = ()) -> Json | None:
    """The card with its single-use buttons disabled, those for one of ``actions`` among them; None where it has none or all
    are."""

    def disable(button: Json) -> bool:
        if button.get("disabled") is True:
            return False
        button |= {"disabled": True, "disabled_tips": plain_text(CLICKED)}
        return True

    return _changed(card, disable, actions)


def enabled(card: Json, actions: Collection[str] = ()) -> Json | None:
    """The card as it was before ``disabled``; None where that disabled none of its buttons."""

    def enable(button: Json) -> bool:
        if button.get("disabled") is not True or button.get("disabled_tips") != plain_text(CLICKED):
            return False
        del button["disabled"], button["disabled_tips"]
        return True

    return _changed(card, enable, actions)


def _changed(card: Json, change: Callable[[Json], bool], actions: Collection[str]) -> Json | None:
    copy = json.loads(json.dumps(card))
    changes = [change(button) for button in _elements(copy) if _is_single_use(button, actions)]
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


def _is_single_use(element: Json, actions: Collection[str]) -> bool:
    if element.get("tag") != "button":
        return False
    behaviors = element.get("behaviors")
    values = (
        [one.get("value") for one in behaviors if isinstance(one, dict)]
        if isinstance(behaviors, list)
        else []
    )
    values = [read_value(value) for value in (element.get("value"), *values)]
    if any(isinstance(value, dict) and value.get("once") is True for value in values):
        return True
    return any(_action_name(value, element.get("name"), None) in actions for value in values)
