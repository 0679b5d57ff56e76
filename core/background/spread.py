"""Spreading what many do at the same time."""

import random
from datetime import timedelta
from typing import TypeVar

P = TypeVar("P", float, timedelta)


def spread(pause: P, *, by: float) -> P:
    """About ``pause``: up to ``by`` of it shorter or longer, so that a crowd that began together does not stay together."""
    return pause * random.uniform(1 - by, 1 + by)  # noqa: S311 -- no secret
