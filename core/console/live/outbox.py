"""Notifications for other processes: gathered, and sent through the channel layer by a thread of their own.

Code that changes rows never waits for Redis. A notification that cannot be sent is dropped and counted, and the first one
is logged; pages read the rows by themselves a few seconds later.
"""

import asyncio
import atexit
import contextlib
import logging
import os
import threading
from typing import Final

from channels.layers import get_channel_layer

from core.console.live.changes import Changes
from core.database.errors import described

logger = logging.getLogger(__name__)

GROUP: Final = "live"
MESSAGE: Final = "live.changes"
GATHER: Final = 0.1
"""Seconds for which notifications are gathered into one message."""
PATIENCE: Final = 2.0
"""Seconds that sending one message may take, and the pause after a failure."""


class NotificationOutbox:
    """Notifications to be sent. ``dropped`` counts the messages that could not be."""

    def __init__(self) -> None:
        self.dropped = 0
        self._lock = threading.Lock()
        self._pending = Changes()
        self._filled = threading.Event()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._is_up = True

    def put(self, topic: str, keys: list[str] | None) -> None:
        """Have these rows sent with the next message."""
        with self._lock:
            self._pending.add(topic, keys)
            # Threads do not outlive a fork: the child's first notification starts one of its own.
            if self._thread is None or not self._thread.is_alive():
                self._stopped = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._stopped,), name="live-outbox", daemon=True
                )
                self._thread.start()
        self._filled.set()

    def stop(self) -> None:
        """Send what is pending, unless Redis is away, and close the connection. The next ``put`` starts again."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._stopped.set()
        self._filled.set()
        if thread is not None:
            thread.join(2 * PATIENCE)

    def reset(self) -> None:
        """Start again in a forked process, where the lock may be held by a thread that is not there."""
        self.__init__()  # type: ignore[misc]

    def _take(self) -> Changes:
        with self._lock:
            taken, self._pending = self._pending, Changes()
            return taken

    def _run(self, stopped: threading.Event) -> None:
        # One loop for good: the layer keeps a connection for every loop, and closes it with the loop.
        with contextlib.closing(asyncio.new_event_loop()) as loop:
            while not stopped.is_set():
                self._filled.wait()
                self._filled.clear()
                stopped.wait(GATHER)
                try:
                    loop.run_until_complete(_send(self._take()))
                except Exception as error:  # noqa: BLE001 -- whatever the layer raises, the thread goes on
                    self._failed(error)
                    stopped.wait(PATIENCE)
                else:
                    self._succeeded()

    def _failed(self, error: Exception) -> None:
        self.dropped += 1
        if self._is_up:
            self._is_up = False
            logger.warning("live_notifications_dropped", extra=described(error))

    def _succeeded(self) -> None:
        if not self._is_up:
            self._is_up = True
            logger.info("live_notifications_sent_again", extra={"dropped": self.dropped})


async def _send(changes: Changes) -> None:
    layer = get_channel_layer()
    if layer is not None and changes:
        async with asyncio.timeout(PATIENCE):
            await layer.group_send(GROUP, {"type": MESSAGE, "changes": changes.as_message()})


OUTBOX = NotificationOutbox()
os.register_at_fork(after_in_child=OUTBOX.reset)
atexit.register(OUTBOX.stop)
