"""Failures of the same kind under one name, so that a thousand dead letters read as three."""

import hashlib
import re

# What differs between two failures of the same kind: ids, numbers, addresses, quoted values.
_VARYING = re.compile(
    r"""(?P<quoted>'[^']*'|"[^"]*"|“[^”]*”)"""
    r"|\b(?:0x)?[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b"
    r"|\b(?:om|ou|on|oc|cli|img|file)_\w+"
    r"|\d+",
    re.IGNORECASE,
)
_LENGTH = 16  # hexadecimal digits


def fingerprint(error: str) -> str:
    """Sixteen hexadecimal digits, equal for errors whose last lines differ in values alone; empty for no error."""
    line = last_line(error)
    return hashlib.sha256(_VARYING.sub("…", line).encode()).hexdigest()[:_LENGTH] if line else ""


def last_line(error: str) -> str:
    """The line of a traceback that says what went wrong."""
    return next((line.strip() for line in reversed(error.splitlines()) if line.strip()), "")
