"""Fields of the platform's JSON as what they should be; empty where a field is missing or is something else."""

from typing import Any


def text_of(value: object) -> str:
    return value if isinstance(value, str) else ""


def mapping_of(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def objects_of(value: object) -> list[dict[str, Any]]:
    """The objects of a list, without what else it has."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
