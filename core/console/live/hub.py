"""Notifications for the sockets of one event loop: from their own process, or through the channel layer.

The hub receives once for all sockets, and only while there are any. While the layer is down the sockets read by the clock;
the hub tries again, and has all of them read everything when it is back.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from contextvars import Context
from typing import Any, Final
from uuid import uuid4

from channels.layers import get_channel_layer

from core.console.live.changes import ANYTHING
from core.console.live.outbox import GROUP, PATIENCE
from core.database.errors import described

logger = logging.getLogger(__name__)

REJOIN: Final = 15.0
"""Seconds after which the hub joins the group again: membership runs out, and a wiped Redis knows no group."""
RETRY: Final = 3.0

Subscriber = Callable[[str, Iterable[str] | None], None]
"""Called with a topic and keys; on the event loop, so it must not block."""

_hubs: dict[asyncio.AbstractEventLoop, "Hub"] = {}


class Hub:
    """The subscribers of one event loop. It lives as long as there are any, and is asked from other threads: so no PerLoop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._subscribers: dict[Subscriber, tuple[str, ...]] = {}
        self._receiving: asyncio.Task[None] | None = None
        self._is_up = True

    @asynccontextmanager
    async def subscribed(self, topics: tuple[str, ...], subscriber: Subscriber) -> AsyncIterator[None]:
        """While the block runs, ``subscriber`` is called for every notification of ``topics``."""
        self._subscribers[subscriber] = topics
        if self._receiving is None and get_channel_layer() is not None:
            self._receiving = self._loop.create_task(self._receive(), name="live-hub", context=Context())
        try:
            yield
        finally:
            del self._subscribers[subscriber]
            if not self._subscribers:
                await self._close()

    async def _close(self) -> None:
        _hubs.pop(self._loop, None)
        if self._receiving is not None:
            self._receiving.cancel()
            await asyncio.wait({self._receiving}, timeout=PATIENCE)

    def publish(self, topic: str, keys: Iterable[str] | None) -> None:
        """Call the subscribers of a topic; on the hub's own loop."""
        for subscriber, topics in list(self._subscribers.items()):
            if topic in topics:
                subscriber(topic, keys)

    def publish_threadsafe(self, topic: str, keys: Iterable[str] | None) -> None:
        """``publish`` from any thread."""
        try:
            self._loop.call_soon_threadsafe(self.publish, topic, keys)
        except RuntimeError:  # the loop is closed
            _hubs.pop(self._loop, None)

    # --- through the channel layer

    async def _receive(self) -> None:
        channel = f"{GROUP}.{uuid4().hex}"
        while self._subscribers:
            try:
                await self._receive_as(channel)
            except Exception as error:  # noqa: BLE001 -- whatever the layer raises, the sockets read by the clock without it
                if not self._subscribers:
                    return  # the layer has made an error of its own out of our cancellation
                if self._is_up:
                    self._is_up = False
                    logger.warning("live_channel_layer_down", extra=described(error))
                await asyncio.sleep(RETRY)

    async def _receive_as(self, channel: str) -> None:
        layer: Any = get_channel_layer()
        async with asyncio.timeout(PATIENCE):
            await layer.group_add(GROUP, channel)
        if not self._is_up:
            self._is_up = True
            logger.info("live_channel_layer_back")
            self._publish_everything()
        try:
            async with asyncio.timeout(REJOIN):
                while True:
                    message = await layer.receive(channel)
                    for topic, keys in message.get("changes", {}).items():
                        self.publish(topic, keys)
        except TimeoutError:
            return

    def _publish_everything(self) -> None:
        for topic in {topic for topics in self._subscribers.values() for topic in topics}:
            self.publish(topic, ANYTHING)


def hub() -> Hub:
    """The hub of the running loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub(loop)
    return _hubs[loop]


def publish_locally(topic: str, keys: Iterable[str] | None) -> None:
    """Notify the sockets of this process."""
    for each in list(_hubs.values()):
        each.publish_threadsafe(topic, keys)
