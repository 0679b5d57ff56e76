"""The queues that Celery's tasks are sent to."""

from typing import Final

DEFAULT_QUEUE: Final = "default"
REFRESH_QUEUE: Final = "token_refresh"
"""Refreshing tokens has workers of its own: what is slow elsewhere must not let a token end."""
