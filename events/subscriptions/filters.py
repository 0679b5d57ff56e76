"""A subscription's filter: conditions on an event's JSON, all of which must hold. No code, no expressions.

``event.message.chat_type = p2p`` or ``event.message.chat_id in oc_1, oc_2``: a path through the platform's JSON, and the
values it may have there. Where the path meets a list, one matching element is enough.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

MAX_CONDITIONS = 20
MAX_VALUES = 200
MAX_DEPTH = 12
_CONDITION = re.compile(r"(?P<path>[\w\-]+(?:\.[\w\-]+)*)\s*(?P<operator>=|\bin\b)\s*(?P<values>\S.*)")


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of a filter."""

    path: tuple[str, ...]
    values: frozenset[str]

    def holds(self, envelope: dict[str, Any]) -> bool:
        """Whether the event with this JSON meets the condition."""
        return any(_as_written(value) in self.values for value in _values_at(envelope, self.path))

    def values_in(self, envelope: dict[str, Any]) -> list[str]:
        """What stands at the condition's path in the event with this JSON, as a filter would write it."""
        found = (_as_written(value) for value in _values_at(envelope, self.path))
        return [value for value in found if value is not None]


def parse_condition(line: str) -> Condition:
    """Parse one line of a filter. Raises ValueError."""
    match = _CONDITION.fullmatch(line.strip())
    if match is None:
        raise ValueError(line)
    path = tuple(match["path"].split("."))
    written = match["values"].split(",") if match["operator"] == "in" else [match["values"]]
    values = frozenset(value.strip().strip('"') for value in written if value.strip())
    if not values or len(values) > MAX_VALUES or len(path) > MAX_DEPTH:
        raise ValueError(line)
    return Condition(path, values)


def all_hold(lines: Iterable[str], envelope: dict[str, Any]) -> bool:
    """Whether an event meets every line of a filter. A filter with an invalid line matches nothing."""
    try:
        return all(parse_condition(line).holds(envelope) for line in lines)
    except ValueError:
        return False


def _values_at(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(value, list):
        for element in value:
            yield from _values_at(element, path)
    elif not path:
        yield value
    elif isinstance(value, dict) and path[0] in value:
        yield from _values_at(value[path[0]], path[1:])


def _as_written(value: Any) -> str | None:
    """A JSON value as people write it in a filter; None for objects and null, which no filter can name."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None
