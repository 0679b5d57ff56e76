"""What a click on a card asks for, read before it is stored. Pure.

Shapes as in the page "Card callback communication" and, for the old flat callback, "Card callback structure".
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Final

import msgspec


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


def is_once(dedupe_key: str) -> bool:
    """Whether the key is a button's that counts once."""
    return dedupe_key.startswith(_ONCE)


def spent_key(number: int) -> str:
    """A key for a click that failed, so that the button can be clicked again; ``number`` is the event's own."""
    return f"click:{number}"
