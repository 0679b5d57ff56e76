"""Errors of the database in log lines."""

from typing import Any

MAX_PROBLEM = 300  # characters


def described(error: BaseException) -> dict[str, Any]:
    """The fields of a log line for an error: its class, and the first line of what it says.

    "No space left on device" and "too many clients" are one class. Further lines repeat the row, which belongs in no log.
    """
    first, _newline, _rest = str(error).strip().partition("\n")
    return {"error": type(error).__name__, "problem": first[:MAX_PROBLEM]}
