"""Hints to the workers. Losing one delays the work by one sweep and loses nothing."""

import logging
from collections.abc import Callable
from typing import Any

from kombu.exceptions import OperationalError

logger = logging.getLogger("portal.hints")


def send_hint(send: Callable[..., Any], *args: object) -> bool:
    """Publish a task message, e.g. ``send_hint(show.delay, 17)``; a broker that is away is logged, not raised.

    Returns whether it was sent.
    """
    try:
        send(*args)
    except (OperationalError, OSError) as error:
        logger.warning("hint_not_sent", extra={"error": type(error).__name__})
        return False
    return True
