"""The header Retry-After (RFC 9110, 10.2.3), as the platform, receivers, and gateways in their place write it. Pure."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST: Final = 10.0**9
"""Seconds; whoever waits has a bound of its own."""
_SECONDS: Final = re.compile(r"\s{0,9}([0-9]{1,9}(?:\.[0-9]{0,18})?)\s{0,9}")


def retry_after(value: str) -> float | None:
    """Seconds from now, of a number or of a date, which is in UTC where it does not say so; None for anything else."""
    if number := _SECONDS.fullmatch(value):
        return min(float(number[1]), LONGEST)
    try:
        moment = parsedate_to_datetime(value[:64])
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return min(max(0.0, (aware - datetime.now(UTC)).total_seconds()), LONGEST)
    except (ValueError, OverflowError, TypeError):
        return None
