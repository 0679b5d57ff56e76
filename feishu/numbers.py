"""Whole numbers as the platform and what stands in its place write them: some answers have `7200`, others `"7200"`."""

from typing import Final

_MAX_DIGITS: Final = 18


def integer(value: object) -> int | None:
    """The number in a field of an answer, written as a number or as text; None for anything else."""
    if isinstance(value, str):
        digits = value.strip().removeprefix("-")
        is_number = digits.isascii() and digits.isdecimal() and len(digits) <= _MAX_DIGITS
        return int(value) if is_number else None
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 10**_MAX_DIGITS else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def positive(value: object) -> int | None:
    """The same for a number of seconds: None also for zero and below."""
    number = integer(value)
    return number if number is not None and number > 0 else None
