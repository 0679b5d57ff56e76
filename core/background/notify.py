"""Notifying workers: a task message by its name. Losing one delays the work by one sweep and loses nothing."""

import logging

from celery import current_app
from kombu.exceptions import OperationalError

from core.database.errors import described
from core.log_pace import THINNED

logger = logging.getLogger(__name__)


def notify(task: str, *args: object) -> bool:
    """Publish a task message, e.g. ``notify("events.work")``; a broker that is away is logged, not raised.

    By name, so that the modules that notify need not import the tasks, which import them. Returns whether it was sent.
    """
    try:
        current_app.send_task(task, args)
    except (OperationalError, OSError) as error:
        logger.warning("worker_not_notified", extra={"task": task, **described(error), **THINNED})
        return False
    return True
