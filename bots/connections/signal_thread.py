"""The thread on which receivers of connection signals run.

The event loop only puts into a bounded queue, and that only when somebody listens. A receiver that is slow fills the
queue, and what finds no room is dropped and counted: first heartbeats and frames, then everything.
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

logger = logging.getLogger("bots.connections.signals")

ROOM: Final = 10_000
"""Signals that may wait; half of that for heartbeats and frames."""
COMPLAIN_EVERY: Final = 60.0
"""Seconds between log lines about signals that were dropped."""
PLENTY: Final = frozenset({heartbeat, frame})

_Item = tuple[ConnectionSignal, dict[str, Any]]


class SignalThread:
    """Sends signals, in their order, to receivers of any speed and manners. Starts when it has something to do."""

    def __init__(self, *, room: int = ROOM) -> None:
        self._room = room
        self._queue: queue.Queue[_Item | None] = queue.Queue(room + 1)  # one for the end
        self._thread: threading.Thread | None = None
        self._complained_at = float("-inf")
        self.dropped = 0
        """Signals that found no room, since the process began."""

    def send(self, signal: ConnectionSignal, connection: ConnectionInfo, **facts: Any) -> None:
        """Have the signal sent soon; never waits and never raises. ``sender`` is the class ``Bot``."""
        if not signal.has_listeners(Bot):
            return
        if self._queue.qsize() >= (self._room // 2 if signal in PLENTY else self._room):
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
        if now - self._complained_at >= COMPLAIN_EVERY:
            self._complained_at = now
            logger.warning("connection_signals_dropped", extra={"since_start": self.dropped})

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            signal, facts = item
            signal.send_robust(Bot, **facts)
            if self._queue.empty():
                close_old_connections()
        close_old_connections()
