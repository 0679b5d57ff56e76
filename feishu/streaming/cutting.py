"""Where a text is cut that outgrows a card: after a paragraph, at least after a line, at the very least after a character.

A code block that a cut goes through is closed on the first card and opened again on the next.
"""

import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

HARD: Final = 27 * 1024
"""Bytes of a card's text, written as JSON: of the platform's 30 KB the rest is for what is around it."""
SOFT: Final = 0.8
"""From this share of the limit on the end of a paragraph is taken."""
MIDDLE: Final = 0.9
"""From this share on, the end of a line as well."""
LONGEST_FENCE: Final = 100
"""Characters of an opening line that is written a second time; a longer one is repeated without its words."""
FENCE_ROOM: Final = 2 * LONGEST_FENCE
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_JOINER: Final = "\u200d"
_MODIFIERS: Final = range(0x1F3FB, 0x1F400)
_FLAGS: Final = range(0x1F1E6, 0x1F200)
_LONGEST_CHARACTER: Final = 32


@dataclass(frozen=True, slots=True)
class Cut:
    """``at``: how many characters stay. ``tail`` closes the code block that is open there, ``head`` opens it again."""

    at: int
    tail: str = ""
    head: str = ""


def cut(text: str, *, shown: int = 0, limit: int = HARD) -> Cut | None:
    """Where to cut; None while the text fits and a better place may still come. What was ``shown``, so many characters of
    it, stays where it is, whatever the limit."""
    limit -= FENCE_ROOM
    soft, middle, hard = (fitting(text, int(limit * share)) for share in (SOFT, MIDDLE, 1))
    if len(text) <= soft:
        return None
    begin = max(soft, shown)
    fence, position, last = "", 0, None
    for line in text.split("\n")[:-1]:
        position += len(line) + 1
        fence = _fence_after(fence, line)
        if position > hard:
            break
        if position < begin:
            continue
        if not fence and (not line.strip() or position > middle):
            return Cut(position)
        last = _cut_in(fence, position, text)
    if len(text) <= hard:
        return None
    if last is not None:
        return last
    at = max(begin, _last_space(text, begin, hard) or _whole(text, hard, begin))
    return _cut_in(_fence_at(text, at), at, text)


def fitting(text: str, size: int) -> int:
    """How many characters of the text take no more than ``size`` bytes as JSON."""
    if _size(text[: size + 1]) <= size:
        return min(len(text), size)
    low, high = 0, min(len(text), size)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _size(text[:middle]) <= size else (low, middle - 1)
    return low


def _size(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode(errors="replace")) - 2


def _fence_after(fence: str, line: str) -> str:
    """The opening line of the code block that goes on after this line; empty outside of one."""
    match = _FENCE.match(line)
    if match is None:
        return fence
    marks, words = match.groups()
    if not fence:
        return "" if marks[0] == "`" and "`" in words else line.strip()
    opening = _marks(fence)
    return "" if marks[0] == opening[0] and len(marks) >= len(opening) and not words.strip() else fence


def _fence_at(text: str, at: int) -> str:
    fence = ""
    for line in text[:at].split("\n")[:-1]:
        fence = _fence_after(fence, line)
    return fence


def _marks(fence: str) -> str:
    return fence[: len(fence) - len(fence.lstrip(fence[0]))]


def _cut_in(fence: str, at: int, text: str) -> Cut:
    if not fence:
        return Cut(at)
    marks = _marks(fence)
    opening = fence if len(fence) <= LONGEST_FENCE else marks
    return Cut(
        at,
        f"{'' if text[at - 1] == chr(10) else chr(10)}{marks[:LONGEST_FENCE]}",
        f"{opening[:LONGEST_FENCE]}\n",
    )


def _last_space(text: str, begin: int, end: int) -> int:
    """The place after the last space between the two; 0 where there is none."""
    return next((at for at in range(end, begin, -1) if text[at - 1].isspace()), 0)


def _whole(text: str, at: int, begin: int) -> int:
    """The place nearest before ``at`` that is no part of a character as people see it."""
    for place in range(at, max(begin, at - _LONGEST_CHARACTER), -1):
        if not _is_inside(text, place):
            return place
    return at


def _is_inside(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    if _JOINER in {after, before} or unicodedata.category(after).startswith("M"):
        return True
    if ord(after) in _MODIFIERS:
        return True
    if ord(after) not in _FLAGS:
        return False
    flags = 0
    while flags < min(at, _LONGEST_CHARACTER) and ord(text[at - 1 - flags]) in _FLAGS:
        flags += 1
    return flags % 2 == 1
