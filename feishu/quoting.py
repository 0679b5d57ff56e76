"""Names that other people chose, beside the portal's own words: in quotation marks which they cannot close. Pure.

A document called “Approved ✅” is no approval. A name stays on one line and short, turns no direction, and hides nothing:
what is invisible goes, whatever the reason for which Unicode has it.
"""

import unicodedata
from typing import Final

_MARKS: Final = frozenset('"＂″‶〝〞〟ʺˮ״')
"""They look like quotation marks, and are none to Unicode."""
_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks of which nothing is seen."""
_MOST_MARKS: Final = 2
"""Combining marks on one letter: no language has more, and piled up they reach other lines."""


def quoted(name: str, *, most: int) -> str:
    """The name in quotation marks, at most `most` characters of it; empty where nothing of it can be seen."""
    seen: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", name[: most * 4]):
        category = unicodedata.category(character)
        marks = marks + 1 if category == "Mn" else 0
        if character.isspace():
            seen.append(" ")
        elif category in {"Pi", "Pf"} or character in _MARKS:
            seen.append("'")
        elif category[0] != "C" and category != "Me" and not _is_blank(character) and marks <= _MOST_MARKS:
            seen.append(character)
    shown = " ".join("".join(seen).split())
    if len(shown) > most:
        shown = f"{shown[: most - 1]}…"
    return f"“{shown}”" if shown else ""


def _is_blank(character: str) -> bool:
    return (
        character in _BLANK
        or "\u180b" <= character <= "\u180f"
        or "\ufe00" <= character <= "\ufe0f"
        or character >= "\U000e0000"
    )
