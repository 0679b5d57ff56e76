"""Celery inside another process: worker and scheduler as threads, for ``runportal``.

Celery is made for processes of its own: what it takes to embed it (its stop flag, its stubs, its advice about root) is
fenced in here.
"""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery.beat import EmbeddedService
from celery.exceptions import SecurityWarning
from celery.worker import state

from bots.enums import ProcessPart
from core.background.vitals import vitals
from feishu_portal.celery import app
from feishu_portal.runtime.celery_process import QUEUES, Ticking

THREADS = 8
STOP_TIMEOUT = 15  # seconds for tasks under way

# One process on a newcomer's machine, often a container: Celery's advice about root is for servers.
warnings.filterwarnings("ignore", category=SecurityWarning)


@contextmanager
def embedded_celery() -> Iterator[None]:
    """A worker for every queue and the scheduler, while the block runs."""
    worker = app.Worker(
        pool="threads",
        concurrency=THREADS,
        queues=tuple(QUEUES),
        quiet=True,
    )
    worker_thread = threading.Thread(target=worker.start, name="worker", daemon=True)
    # The stubs allow for a process where thread=True always makes a thread.
    scheduler: Any = EmbeddedService(app, max_interval=1, thread=True, scheduler_cls=Ticking)
    worker_thread.start()
    scheduler.start()
    try:
        yield
    finally:
        vitals.forget(ProcessPart.SCHEDULE)
        scheduler.stop()
        # The worker's own thread ends it: stopped from here, its pool would be gone while messages still come in.
        state.should_stop = 0  # type: ignore[assignment]  # the stubs know None alone
        worker_thread.join(timeout=STOP_TIMEOUT)
        state.should_stop = None
