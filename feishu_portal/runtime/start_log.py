"""The line that every process writes when it starts: what it is, and of which version."""

import logging

from core import __version__

logger = logging.getLogger(__name__)


def log_start(program: str) -> None:
    """``program``: web, worker, beat, runfeishu or runportal; a refresher is a worker."""
    logger.info("process_started", extra={"program": program, "version": __version__})
