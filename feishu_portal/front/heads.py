"""Bounds for the heads of requests, and no trailers, under uvicorn's httptools.

uvicorn adds the trailers of a chunked body to the headers: what a proxy in front removes or sets, such as a cookie or an
address, would come back behind its back. And it waits for a head without end, of any length. It has no setting for any of
these, and who runs it chooses the command, so the class itself is changed.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http import httptools_impl

MAX_HEAD: Final = 64 * 1024
"""Bytes of a request line and its headers, as in uvicorn's h11."""
HEAD_SECONDS: Final = 10.0
"""From the connection, or from the first byte of a later request on it, to the end of the head."""
REFUSED: Final = "Invalid HTTP request received."


class BoundedProtocol(httptools_impl.HttpToolsProtocol):
    """uvicorn's protocol with bounds."""

    _head = 0  # bytes that came since a head has begun
    _is_in_body = False
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._is_in_body:
            self._head += len(data)
            self._wait_for_head()
        super().data_received(data)
        # Bytes behind the head in the same read do not count: the callbacks have set it back.
        if self._head > MAX_HEAD and not self.transport.is_closing():
            self.send_400_response(REFUSED)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._is_in_body:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._is_in_body, self._head = True, 0
        self._end_waiting()
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MAX_HEAD:
            # The parser makes an error of it, which uvicorn answers.
            raise ValueError("The head is too long.")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_in_body, self._head = False, 0
        super().on_message_complete()

    def _wait_for_head(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _end_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self._patience = None
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()


def install() -> None:
    """Bound the heads of every connection that is made from now on, whichever command started uvicorn, and whatever it took
    the class for before this module was imported. May be called twice."""
    httptools_impl.HttpToolsProtocol.__init__ = _init_bounded  # type: ignore[method-assign]


_init = httptools_impl.HttpToolsProtocol.__init__


def _init_bounded(self: httptools_impl.HttpToolsProtocol, *arguments: Any, **options: Any) -> None:
    self.__class__ = BoundedProtocol  # before the parser takes hold of the callbacks
    _init(self, *arguments, **options)
