"""Where the sockets of one event loop hear what has changed: from their own process, or through the channel layer.

The hub listens once for all sockets, and only while there are any. A layer that is down costs nothing but time: the hub
tries again, and tells everybody to look at everything when it is back.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import uuid4

from channels.layers import get_channel_layer

from core.console.live.changes import ANYTHING
from core.console.live.outbox import GROUP, PATIENCE

logger = logging.getLogger("portal.live")

REJOIN: Final = 15.0
"""Seconds after which the hub joins the group anew: membership runs out, and a wiped Redis knows no group."""
RETRY: Final = 3.0

Ear = Callable[[str, Iterable[str] | None], None]

_hubs: dict[asyncio.AbstractEventLoop, "Hub"] = {}


class Hub:
    """The ears of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._ears: dict[Ear, tuple[str, ...]] = {}
        self._listening: asyncio.Task[None] | None = None
        self._is_well = True

    @asynccontextmanager
    async def listening(self, topics: tuple[str, ...], ear: Ear) -> AsyncIterator[None]:
        """While the block runs, ``ear(topic, keys)`` is called on the loop for every hint about ``topics``."""
        self._ears[ear] = topics
        if self._listening is None and get_channel_layer() is not None:
            self._listening = self._loop.create_task(self._listen(), name="live-hub")
        try:
            yield
        finally:
            del self._ears[ear]
            if not self._ears:
                await self._close()

    async def _close(self) -> None:
        _hubs.pop(self._loop, None)
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait({self._listening}, timeout=PATIENCE)

    def tell(self, topic: str, keys: Iterable[str] | None) -> None:
        """Pass a hint on; on the hub's own loop."""
        for ear, topics in list(self._ears.items()):
            if topic in topics:
                ear(topic, keys)

    def tell_soon(self, topic: str, keys: Iterable[str] | None) -> None:
        """The same from any thread."""
        try:
            self._loop.call_soon_threadsafe(self.tell, topic, keys)
        except RuntimeError:  # the loop is closed
            _hubs.pop(self._loop, None)

    # --- through the channel layer

    async def _listen(self) -> None:
        channel = f"{GROUP}.{uuid4().hex}"
        while self._ears:
            try:
                await self._listen_as(channel)
            except Exception as error:  # noqa: BLE001 -- whatever the layer raises, the pages go on without it
                if not self._ears:
                    return  # the layer has made an error of its own out of our cancellation
                if self._is_well:
                    self._is_well = False
                    logger.warning("live_hints_not_heard", extra={"error": type(error).__name__})
                await asyncio.sleep(RETRY)

    async def _listen_as(self, channel: str) -> None:
        layer: Any = get_channel_layer()
        async with asyncio.timeout(PATIENCE):
            await layer.group_add(GROUP, channel)
        if not self._is_well:
            self._is_well = True
            logger.info("live_hints_heard_again")
            self._tell_everything()
        try:
            async with asyncio.timeout(REJOIN):
                while True:
                    message = await layer.receive(channel)
                    for topic, keys in message.get("changes", {}).items():
                        self.tell(topic, keys)
        except TimeoutError:
            return

    def _tell_everything(self) -> None:
        for topic in {topic for topics in self._ears.values() for topic in topics}:
            self.tell(topic, ANYTHING)


def hub() -> Hub:
    """The hub of the running loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub(loop)
    return _hubs[loop]


def tell_own_pages(topic: str, keys: Iterable[str] | None) -> None:
    """Pass a hint to the sockets of this process."""
    for each in list(_hubs.values()):
        each.tell_soon(topic, keys)
