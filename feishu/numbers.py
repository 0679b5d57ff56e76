"""Whole numbers as the platform and what stands in its place write them: some answers have `7200`, others `"7200"`."""

from typing import Final

_MAX_DIGITS: Final = 18
"""Of what a database and most languages take for a whole number; the platform's are shorter by far."""


def integer(value: object) -> int | None:
    """The number in a field of an answer, written as a number or as text; None for anything else."""
    if isinstance(value, str):
        digits = value.strip().removeprefix("-")
        is_number = digits.isascii() and digits.isdecimal() and len(digits) <= _MAX_DIGITS
        return int(value) if is_number else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 10**_MAX_DIGITS:
        return None
    return int(value) if int(value) == value else None


def positive(value: object) -> int | None:
    """The same for a number of seconds: None also for zero and below."""
    number = integer(value)
    return number if number is not None and number > 0 else None
