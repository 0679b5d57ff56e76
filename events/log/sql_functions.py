"""Looking for text in payloads, which are bytes: the same expression on both databases."""

import json
from typing import Any

from django.db.models import BinaryField, BooleanField, F, Func, Value


class PayloadContains(Func):
    """Whether a binary column contains ``text``, as UTF-8 or as JSON escapes it; case counts."""

    output_field = BooleanField()

    def __init__(self, column: str, text: str, **extra: Any) -> None:
        needles = [Value(needle, output_field=BinaryField()) for needle in spellings(text)]
        super().__init__(F(column), *needles, **extra)

    def as_sql(self, compiler: Any, connection: Any, **_context: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        column, *needles = self.source_expressions
        haystack, parameters = compiler.compile(column)
        shape = (
            "position({needle} in {haystack}) > 0"
            if connection.vendor == "postgresql"
            else "instr({haystack}, {needle}) > 0"
        )
        parts: list[str] = []
        found: list[Any] = []
        for needle in needles:
            sql, values = compiler.compile(needle)
            parts.append(shape.format(needle=sql, haystack=haystack))
            found += [*values, *parameters] if connection.vendor == "postgresql" else [*parameters, *values]
        return f"({' OR '.join(parts)})", found


def spellings(text: str) -> list[bytes]:
    """``text`` as it may stand in JSON: plain, within a string, within JSON within a string, and each with escapes
    instead of characters beyond ASCII."""
    found = [text]
    for ascii_only in (False, True):
        once = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        found += [once, json.dumps(once, ensure_ascii=ascii_only)[1:-1]]
    return list(dict.fromkeys(spelling.encode() for spelling in found))
