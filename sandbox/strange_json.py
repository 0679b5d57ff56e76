"""JSON from outside, which may be anything."""

import json
from typing import Any, Final

MAX_DEPTH: Final = 100
"""Levels that a text may be nested; nothing of the platform's comes near, and what walks through values goes level by level."""


def parse_json(text: str | bytes) -> Any:
    """The value. Raises ValueError, also for what is nested too deeply."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for item in level for inner in _inside(item)]
        if not level:
            return value
    raise ValueError("the JSON is nested too deeply")


def _inside(value: Any) -> list[Any]:
    """The containers in a container."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [item for item in items if isinstance(item, dict | list)]
