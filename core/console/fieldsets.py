"""Pages that show what applies to their row, and leave the rest out."""

from collections.abc import Collection, Sequence
from typing import Any


def without(
    fieldsets: Sequence[tuple[Any, dict[str, Any]]], hidden: Collection[str]
) -> list[tuple[Any, dict[str, Any]]]:
    """The fieldsets without the ``hidden`` fields; a section that is left without any goes."""
    kept = [
        (title, section | {"fields": tuple(field for field in section["fields"] if field not in hidden)})
        for title, section in fieldsets
    ]
    return [(title, section) for title, section in kept if section["fields"]]
