"""A subscription's filter: conditions on what an event says, all of which must hold. No code, no expressions.

``event.message.chat_type = p2p`` or ``event.message.chat_id in oc_1, oc_2``: a path through the platform's JSON, and the
values it may have there. Of a list any element will do.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

MAX_CONDITIONS = 20
MAX_VALUES = 200
MAX_PARTS = 12
_CONDITION = re.compile(r"(?P<path>[\w\-]+(?:\.[\w\-]+)*)\s*(?P<verb>=|\bin\b)\s*(?P<values>\S.*)")


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of a filter."""

    path: tuple[str, ...]
    values: frozenset[str]

    def holds(self, envelope: dict[str, Any]) -> bool:
        """Whether the event with this JSON meets the condition."""
        return any(_text(found) in self.values for found in _at(envelope, self.path))


def parse_condition(line: str) -> Condition:
    """The condition that a line says; raises ValueError."""
    match = _CONDITION.fullmatch(line.strip())
    if match is None:
        raise ValueError(line)
    path = tuple(match["path"].split("."))
    written = match["values"].split(",") if match["verb"] == "in" else [match["values"]]
    values = frozenset(value.strip().strip('"') for value in written if value.strip())
    if not values or len(values) > MAX_VALUES or len(path) > MAX_PARTS:
        raise ValueError(line)
    return Condition(path, values)


def all_hold(lines: Iterable[str], envelope: dict[str, Any]) -> bool:
    """Whether an event meets every line of a filter. A line that cannot be read lets nothing pass."""
    try:
        return all(parse_condition(line).holds(envelope) for line in lines)
    except ValueError:
        return False


def _at(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(value, list):
        for element in value:
            yield from _at(element, path)
    elif not path:
        yield value
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


def _text(value: Any) -> str | None:
    """How a value is written in a filter; None for what cannot be."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None
