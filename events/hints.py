"""Hints to the workers. Losing one delays the work by one sweep and loses nothing."""

<<<<<<< HEAD
from collections.abc import Sequence
=======
import logging
from collections.abc import Callable
from typing import Any
>>>>>>> 9a32002 (Run handlers by lanes: in order by key, bounded in time, fair to every bot, and clicks handed on in time)

from feishu_portal.access.hints import send_hint


def send_hint(send: Callable[..., Any], *args: object) -> bool:
    """Publish a task message, e.g. ``send_hint(show.delay, 17)``; a broker that is away is logged, not raised.

<<<<<<< HEAD
def hint_dispatch(event_pks: Sequence[int]) -> None:
    """Tell the workers of new events."""
    from events.tasks import dispatch  # noqa: PLC0415 -- tasks import the domain, the domain sends hints
=======
    Returns whether it was sent.
    """
    try:
        send(*args)
    except (OperationalError, OSError) as error:
        logger.warning("hint_not_sent", extra={"error": type(error).__name__})
        return False
    return True


def hint_work() -> bool:
    """Tell a worker that there are events or deliveries to look at; returns whether it could be told."""
    from events.tasks import work  # noqa: PLC0415 -- tasks import the domain, the domain sends hints
>>>>>>> 9a32002 (Run handlers by lanes: in order by key, bounded in time, fair to every bot, and clicks handed on in time)

    return send_hint(work.delay)
