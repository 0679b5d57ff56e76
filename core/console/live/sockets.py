"""The WebSockets of live pages.

A page opens one and sends a handshake, which says what it shows; from then on it is sent what is different. Notifications
are gathered: however many come, the rows are read by one read at a time, and no more than twice a second; where many pages
are open, less often, so that all of them together leave the process to its requests. A message is made when it is sent, so
nothing queues up for a slow browser.
"""

import asyncio
import contextlib
import json
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Final, TypeVar

from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import close_old_connections
from django.utils.translation import override
from starlette.types import ASGIApp, Receive, Scope, Send

from core.background.limits import SHARE
from core.console.live.changes import Changes
from core.console.live.feeds import MAX_HANDSHAKE, UNREADABLE, Feed
from core.console.live.hub import hub
from core.console.live.viewers import Viewer, is_from_own_page, viewer_of

T = TypeVar("T")

logger = logging.getLogger(__name__)

SIGNED_OUT: Final = 4401
"""The session has ended, or its operator may not use the console any more."""
NOT_UNDERSTOOD: Final = 4400
SILENT: Final = 4408
"""Sent no handshake, or took no message."""
FAILED: Final = 1011
BUSY: Final = 1013

PAUSE: Final = 0.5
"""Seconds between two reads."""
READS_A_SECOND: Final = 40
"""Of all sockets of one process."""
READ_EVERY: Final = 5.0
"""Seconds after which rows are read without a notification, and after which a page gets a sign of life."""
CHECK_EVERY: Final = 4.0
"""Seconds after which a socket checks again that its operator is signed in."""
PATIENCE: Final = 10.0
"""Seconds for the handshake, and for taking a message."""
MAX_SOCKETS: Final = 500
"""Open at once in one process; further pages poll."""
ALIVE: Final = {"type": "alive"}

_open: dict["LiveConsumer", int] = {}
"""By whom each was opened, and how many each operator has: asked when one opens, which hundreds do after a restart."""
_open_of: Counter[int] = Counter()
# Threads and database connections of their own, so that open pages hold up no request.
_THREADS: Final = ThreadPoolExecutor(max_workers=4, thread_name_prefix="live")


class _BrowserGoneError(Exception):
    """The browser left while something was sent to it."""


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels brings no types
    """Sends an operator's page the messages of a feed.

    The browser's first message is the handshake, as JSON. Every message to it is a JSON object; ``{"type": "alive"}`` when
    nothing has changed.
    """

    channel_layer_alias = ""  # the hub receives, once for all sockets

    def __init__(self, *, feed: Feed) -> None:
        super().__init__()
        self._feed = feed
        self._changes = feed.everything()
        self._woken = asyncio.Event()
        self._handshaken = asyncio.Event()
        self._is_closed = False
        self._viewer: Viewer | None = None
        self._checked_at = self._due_at = float("-inf")
        self._serving: asyncio.Task[None] | None = None

    # --- the socket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self in _open:
                _open_of[_open.pop(self)] -= 1
            if self._serving is not None:
                self._serving.cancel()
                await asyncio.gather(self._serving, return_exceptions=True)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Channels would have another thread close its database connections first; a socket queries in threads of its own."""
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        if not is_from_own_page(self.scope):
            await self.close()
            return
        # A browser learns the code of a socket that was accepted, and of no other.
        await self.accept()
        if len(_open) >= MAX_SOCKETS:
            await self.close(BUSY)
            return
        viewer = await _in_thread(self._check)
        if viewer is None:
            await self.close(SIGNED_OUT)
        elif len(_open) >= MAX_SOCKETS or _open_of[viewer.user.pk] >= max(1, MAX_SOCKETS // SHARE):
            await self.close(BUSY)
        else:
            _open[self] = viewer.user.pk
            _open_of[viewer.user.pk] += 1
            self._serving = asyncio.create_task(self._serve(), name="live-socket")

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:  # noqa: ARG002 -- Channels' signature
        """The first message is the handshake; pages send no other."""
        if self._serving is None or self._is_closed or self._handshaken.is_set():
            return
        if text_data is None or len(text_data) > MAX_HANDSHAKE:
            await self.close(NOT_UNDERSTOOD)
            return
        try:
            self._feed.start(json.loads(text_data))
        except UNREADABLE:
            await self.close(NOT_UNDERSTOOD)
        else:
            self._handshaken.set()

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Once: what the browser had already sent comes in after that, and a server raises for a second close."""
        if not self._is_closed:
            self._is_closed = True
            await super().close(code, reason)

    # --- sending

    def _on_change(self, topic: str, keys: Iterable[str] | None) -> None:
        self._changes.add(topic, keys)
        self._woken.set()

    async def _serve(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._handshaken.wait()
            is_due = True
            async with hub().subscribed(self._feed.topics, self._on_change):
                while await self._send_changes(is_due=is_due):
                    await self._pause()
                    is_due = await self._wait()
            await self._close_with(SIGNED_OUT)
        except TimeoutError:
            await self._close_with(SILENT)
        except _BrowserGoneError:
            return
        except Exception:
            logger.exception("live_socket_failed")
            await self._close_with(FAILED)

    async def _pause(self) -> None:
        """Let the others read, with a sign of life where that takes long."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + max(PAUSE, len(_open) / READS_A_SECOND)
        while (left := ends - loop.time()) > READ_EVERY:
            await asyncio.sleep(READ_EVERY)
            await self._send(ALIVE)
        await asyncio.sleep(max(0, left))

    async def _wait(self) -> bool:
        """Wait for a notification, or until a read is due without one; whether it is."""
        try:
            async with asyncio.timeout_at(self._due_at):
                await self._woken.wait()
        except TimeoutError:
            self._changes = self._feed.everything()
            return True
        return False

    async def _send_changes(self, *, is_due: bool) -> bool:
        """Read and send; False when the operator is no longer one.

        A sign of life is sent by the clock alone. Sent after every read it would show that rows have changed which the
        operator may not see.
        """
        if is_due:
            spread = random.uniform(0.8, 1)  # noqa: S311 -- no secret
            self._due_at = asyncio.get_running_loop().time() + READ_EVERY * spread
        changes, self._changes = self._changes, Changes()
        self._woken.clear()
        messages = await _in_thread(self._read, changes)
        if messages is None:
            return False
        for message in messages or ([ALIVE] if is_due else []):
            await self._send(message)
        return True

    async def _send(self, message: dict[str, Any]) -> None:
        """Raises _BrowserGoneError: once a browser has left, servers raise an OSError (ASGI, "Disconnected Client")."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self.send(text_data=json.dumps(message, ensure_ascii=False, separators=(",", ":")))
        except TimeoutError:
            raise
        except OSError:
            raise _BrowserGoneError from None

    def _read(self, changes: Changes) -> list[dict[str, Any]] | None:
        viewer = self._check()
        if viewer is None:
            return None
        with override(viewer.language):
            return list(self._feed.read(viewer, changes))

    def _check(self) -> Viewer | None:
        """The operator, as of a few seconds ago."""
        now = time.monotonic()
        if now - self._checked_at >= CHECK_EVERY:
            self._checked_at, self._viewer = now, viewer_of(self.scope)
        return self._viewer

    async def _close_with(self, code: int) -> None:
        with contextlib.suppress(Exception):  # the browser may be gone already
            await self.close(code)


async def _in_thread(function: Callable[..., T], *arguments: Any) -> T:
    """What ``function`` returns, called in a thread, with its database connection given back.

    Not through asgiref, which hands back what the thread has changed in its context: each task of a socket would keep its own copy
    of all that Django keeps for a thread, 20 kB for an open page.
    """
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_THREADS, copy_context().run, _with_database, function, *arguments)


def _with_database(function: Callable[..., T], *arguments: Any) -> T:
    close_old_connections()
    try:
        return function(*arguments)
    finally:
        close_old_connections()


def socket_of(feed_type: type[Feed]) -> ASGIApp:
    """The ASGI application of a page; every socket has a feed of its own."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await LiveConsumer(feed=feed_type())(scope, receive, send)

    return application


async def no_such_socket(_scope: Scope, _receive: Receive, send: Send) -> None:
    """The last route: refuses sockets that no page opens."""
    await send({"type": "websocket.close"})
