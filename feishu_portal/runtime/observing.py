"""What every process does first: say that it starts, and open the ways on which operators see into it."""

import logging

from core import __version__
from feishu_portal.runtime.error_reports import begin_error_reports
from feishu_portal.runtime.tracing import begin_tracing

logger = logging.getLogger(__name__)


def begin_observing(program: str) -> None:
    """Before the process serves or forks. ``program``: web, worker, beat, runfeishu or runportal; a refresher is a worker."""
    logger.info("process_started", extra={"program": program, "version": __version__})
    begin_error_reports(program)
    begin_tracing(program)
