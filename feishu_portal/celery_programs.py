"""Celery's worker and scheduler as programs, which say through the log what Celery prints: their start, and how they end."""

import logging
import os
import sys
from typing import Any, Final

from celery.apps import worker
from celery.apps.beat import Beat
from celery.apps.worker import Worker
from celery.worker.consumer import Consumer

logger = logging.getLogger(__name__)

WITHOUT_NEIGHBOURS: Final = {"without_gossip": True, "without_mingle": True, "without_heartbeat": True}
"""Options of a worker that sends no events, listens to those of no other, and does not wait for one at its start."""


class LoggedWorker(Worker):
    """``celery worker`` with a line in the place of its banner, and without what workers tell each other all the time.

    Rows and heartbeats of the portal's own say which processes live, and no worker has to know of another. With ``-E`` a
    monitor of Celery's listens, and gets all of it.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        if not options.get("task_events"):
            options |= WITHOUT_NEIGHBOURS
        super().__init__(*arguments, **options)

    def emit_banner(self) -> None:
        me: Any = self  # the stubs know little of it
        logger.info(
            "worker_started",
            extra={
                "worker": me.hostname,
                "broker": me.app.connection().as_uri(),
                "queues": sorted(me.app.amqp.queues),
                "pool": str(me.pool_cls.__module__).rpartition(".")[2],
                "concurrency": me.concurrency,
            },
        )


class LastingConsumer(Consumer):
    """A worker's connection to Redis, whose loss does not end the worker.

    Celery closes a lost connection twice. If Redis is lost while the queue is being waited on and a message is still
    unacknowledged, kombu's first attempt fails half-way and its second one, without a transport, with an AttributeError that
    Celery takes for the end of the worker (kombu 5.7, ``Connection.collect`` and then ``close``). Celery forgets the connection
    before the second attempt, so nothing of it is left to do; the message is one that can be lost.
    """

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        try:
            super().on_connection_error_after_connected(exc)
        except AttributeError:
            if self.connection is not None:
                raise
            logger.warning("broker_connection_not_closed")


class LoggedBeat(Beat):
    """``celery beat`` with a line in the place of its banner."""

    def run(self) -> None:
        self.quiet = True
        try:
            super().run()
        finally:
            from feishu_portal.runtime import celery_process  # noqa: PLC0415 -- models are there only now

            celery_process.end_beat()

    def set_process_title(self) -> None:
        app: Any = self.app
        logger.info("scheduler_started", extra={"broker": app.connection().as_uri()})
        super().set_process_title()


def _say(message: str, _stream: Any = None) -> None:
    """A line from within a signal handler, where another may be half written: by the formatter of the log, but past its lock."""
    record = logger.makeRecord(logger.name, logging.WARNING, __file__, 0, str(message), (), None)
    handler = next(iter(logging.getLogger().handlers), None)
    text = handler.format(record) if handler else str(message)
    os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, f"{text}\n".encode())


worker.safe_say = _say  # type: ignore[attr-defined]  # missing in the stubs
