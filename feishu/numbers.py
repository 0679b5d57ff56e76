"""Whole numbers as the platform and what stands in its place write them: some answers have `7200`, others `"7200"`."""

import re
from typing import Final

_MAX_DIGITS: Final = 18
"""Of what a database and most languages take for a whole number; the platform's are shorter by far."""
LONGEST: Final = 10**10
"""Seconds in three centuries: a longer time would end after the last year there is."""
_FRACTION: Final = re.compile(r"\s{0,9}([0-9]{1,18})(?:\.[0-9]{0,18})?\s{0,9}")


def integer(value: object) -> int | None:
    """The number in a field of an answer, written as a number or as text; None for anything else."""
    if isinstance(value, str):
        digits = value.strip().removeprefix("-")
        is_number = digits.isascii() and digits.isdecimal() and len(digits) <= _MAX_DIGITS
        return int(value) if is_number else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 10**_MAX_DIGITS:
        return None
    return int(value) if int(value) == value else None


def seconds(value: object) -> int | None:
    """A lifetime or a pause in whole seconds, also of a fraction; None for less than one and for anything else."""
    if isinstance(value, str):
        number = _FRACTION.fullmatch(value)
        value = int(number[1]) if number else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 1:
        return None
    return int(min(value, LONGEST))
