"""The body of a caller's request: streamed on, and kept for a second time as long as it is small."""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect
from starlette.types import Receive

KEPT = 1024 * 1024  # bytes
IDLE_SECONDS = 60.0  # in which the caller has to send the next bytes


class UploadStalled(Exception):
    """The caller stopped sending."""


class Upload:
    """Reads ``receive`` for one request. Raises ClientDisconnect or UploadStalled where the caller goes away or stalls."""

    def __init__(self, receive: Receive, headers: list[tuple[bytes, bytes]]) -> None:
        named = dict(headers)
        length = named.get(b"content-length", b"")
        self._receive = receive
        self._length = int(length) if length.isdigit() and len(length) < 20 else None
        self._is_chunked = b"transfer-encoding" in named
        self._kept: list[bytes] = []
        self._is_long = False
        self._all_received = asyncio.Event()
        self.received = 0  # bytes
        if self.is_empty:
            self._all_received.set()

    @property
    def is_empty(self) -> bool:
        return not self._length and not self._is_chunked

    @property
    def is_repeatable(self) -> bool:
        """Whether the body can be sent a second time."""
        return not self._is_long

    async def length(self) -> int | None:
        """Bytes of the body; None for a long one of unknown length, which has to be sent chunked. A short one is read to its
        end for it: not every server likes chunks."""
        if self._is_chunked:
            while not self._is_long and not self._all_received.is_set():
                await self._next()
            return self.received if self._all_received.is_set() else None
        return self._length or 0

    async def whole(self, limit: int) -> bytes | None:
        """The body, read before it is sent; None where it has more than ``limit`` bytes, which is less than what is kept."""
        while not self._all_received.is_set() and self.received <= limit:
            await self._next()
        is_short = self._all_received.is_set() and self.received <= limit
        return b"".join(self._kept) if is_short else None

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body from its beginning; a second time only where it is repeatable."""
        received = tuple(self._kept)
        self._forget_if_long()
        for chunk in received:
            yield chunk
        while not self._all_received.is_set():
            chunk = await self._next()
            self._forget_if_long()
            if chunk:
                yield chunk

    async def _next(self) -> bytes:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                message = await self._receive()
        except TimeoutError:
            raise UploadStalled from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk: bytes = message.get("body", b"")
        self.received += len(chunk)
        if chunk and not self._is_long:
            self._kept.append(chunk)
            self._is_long = self.received > KEPT
        if not message.get("more_body", False):
            self._all_received.set()
        return chunk

    def _forget_if_long(self) -> None:
        if self._is_long:
            self._kept.clear()

    async def gone(self) -> None:
        """Returns when the caller has gone away, after the body was read."""
        await self._all_received.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
