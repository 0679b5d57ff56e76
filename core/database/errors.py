"""Errors of the database: what they came from, and how they stand in log lines."""

from collections.abc import Iterator
from typing import Any

MAX_PROBLEM = 300  # characters


def described(error: BaseException) -> dict[str, Any]:
    """The fields of a log line for an error: its class, and the first line of what it says.

    "No space left on device" and "too many clients" are one class. Further lines repeat the row, which belongs in no log.
    """
    first, _newline, _rest = str(error).strip().partition("\n")
    return {"error": type(error).__name__, "problem": first[:MAX_PROBLEM]}


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, each once."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
