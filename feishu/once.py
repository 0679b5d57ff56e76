"""Buttons that count once, on a card: shown as clicked, and as new again. Pure.

Such a button's value says ``"once": true``. Shapes as in the pages "Button" of both card versions.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from feishu.cards import Json, plain_text
from feishu.text import Text

CLICKED: Final = Text("已经点击过了", "Clicked already")


def spent(card: Json) -> Json | None:
    """The card with its buttons that count once disabled; None where there is none that is not."""

    def disable(button: Json) -> bool:
        if button.get("disabled") is True:
            return False
        button |= {"disabled": True, "disabled_tips": plain_text(CLICKED)}
        return True

    return _changed(card, disable)


def renewed(card: Json) -> Json | None:
    """The card with those buttons as they were before ``spent``; None where none was disabled by it."""

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
