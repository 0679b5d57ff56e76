"""The thread on which receivers of connection signals run.

The event loop only puts into a bounded queue, and that only where a signal has receivers. A receiver that is slow fills
the queue; signals beyond that are dropped and counted: first heartbeats and frames, then all.
"""

import logging
import queue
import threading
import time
from typing import Any, Final

from django.db import close_old_connections
from django.utils import timezone

from bots.connections.signals import ConnectionInfo, ConnectionSignal, frame, heartbeat
from bots.models import Bot

logger = logging.getLogger(__name__)

MAX_QUEUED: Final = 10_000
"""Signals that may wait; half of that for heartbeats and frames."""
LOG_EVERY: Final = 60.0
"""Seconds between log lines about signals that were dropped."""
FREQUENT: Final = frozenset({heartbeat, frame})

_Item = tuple[ConnectionSignal, dict[str, Any]]


class SignalThread:
    """Sends signals, in their order, to receivers however slow they are. Starts with the first signal."""

    def __init__(self, *, max_queued: int = MAX_QUEUED) -> None:
        self._max_queued = max_queued
        self._queue: queue.Queue[_Item | None] = queue.Queue(max_queued + 1)  # one for the end
        self._thread: threading.Thread | None = None
        self._logged_at = float("-inf")
        self.dropped = 0
        """Signals dropped since the process began."""

    def send(self, signal: ConnectionSignal, connection: ConnectionInfo, **facts: Any) -> None:
        """Queue the signal; never waits and never raises. ``sender`` is the class ``Bot``."""
        if not signal.has_listeners(Bot):
            return
        if self._queue.qsize() >= (self._max_queued // 2 if signal in FREQUENT else self._max_queued):
            self._drop()
            return
        self._queue.put_nowait((signal, {"connection": connection, "at": timezone.now(), **facts}))
        if self._thread is None:
            # A daemon: a receiver that hangs must not keep the process from ending.
            self._thread = threading.Thread(target=self._work, name="connection-signals", daemon=True)
            self._thread.start()

    def close(self, *, seconds: float) -> None:
        """Let the receivers have what is left, for so long at most."""
        if self._thread is None:
            return
        self._queue.put_nowait(None)
        self._thread.join(seconds)

    def _drop(self) -> None:
        self.dropped += 1
        now = time.monotonic()
        if now - self._logged_at >= LOG_EVERY:
            self._logged_at = now
            logger.warning("connection_signals_dropped", extra={"since_start": self.dropped})

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            signal, facts = item
            signal.send_robust(Bot, **facts)
            if self._queue.empty():
                close_old_connections()
        close_old_connections()
