"""Scopes listed on cards, as many as a card holds."""

from collections.abc import Sequence
from typing import Final

from feishu.cards import escape
from feishu.text import Text

MAX_LINES: Final = 50
MAX_BYTES: Final = 3 * 1024
"""Of one list in one language: a card has 30 KB for three copies of everything it says."""


def bullets(scopes: Sequence[str | Text]) -> Text:
    """A list with a line for each scope, or its words; a last line counts those that have no room."""
    texts = [scope if isinstance(scope, Text) else Text(scope, scope) for scope in scopes]
    zh = _lines([text.zh_cn for text in texts], more="……以及另外 {count} 项")
    return Text(zh, _lines([text.en_us for text in texts], more="… and {count} more"))


def _lines(entries: Sequence[str], *, more: str) -> str:
    lines: list[str] = []
    left = MAX_BYTES
    for entry in entries[:MAX_LINES]:
        line = f"- {escape(entry)}"
        left -= len(line.encode())
        if left < 0:
            break
        lines.append(line)
    if hidden := len(entries) - len(lines):
        lines.append(more.format(count=hidden))
    return "\n".join(lines)
