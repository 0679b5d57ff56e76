"""The server's protocols: quiet about addresses, and with a way to cut a connection or to let it hang."""

import logging
import struct
from collections.abc import Callable, Iterable
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.speedups import apply_mask

DROP: Final = "sandbox.drop"
"""Name of the ASGI extension that cuts the connection, as a failing network does."""
FINISH: Final = "sandbox.finish"
"""Name of the ASGI extension that ends the connection once what was written is out, however much was announced."""
HOLD: Final = "sandbox.hold"
"""Name of the ASGI extension that stops reading: no message, no ping is answered any more."""
WIRE: Final = "sandbox.wire"
"""Name of the ASGI extension that gives the connection itself, for who has thousands of frames a second to carry."""

# What the server itself would log about a socket has its address in it, and that has codes and tickets in it.
_logger = logging.getLogger("sandbox.wire")
_logger.setLevel(logging.WARNING)


class HttpProtocol(H11Protocol):
    """HTTP whose applications may cut the connection.

    On h11 because it leaves header names as they are spelled, and the official SDK looks for `X-Tt-Logid` by letter.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.access_log = False

    def handle_events(self) -> None:
        super().handle_events()
        scope: Any = self.scope
        if scope is not None:
            scope["extensions"] = {DROP: self.transport.abort, FINISH: self.transport.close}


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """WebSocket whose applications may cut the connection, let it hang, or take its frames past ASGI."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.logger = self.conn.logger = _logger
        self.conn.debug = False
        self._taker: Callable[[bytes], bool] | None = None
        self._unread = b""

    def divert(self, taker: Callable[[bytes], bool] | None) -> None:
        """Show every whole binary message to ``taker`` first; what it answers False to goes its usual way.

        None ends it. To be called between two messages.
        """
        self._taker = taker
        unread, self._unread = self._unread, b""
        if taker is None and unread:
            super().data_received(unread)

    def write_binary(self, contents: Iterable[bytes]) -> None:
        """Each as a message of its own, all of them in one write."""
        self.transport.write(b"".join([piece for content in contents for piece in (_head(content), content)]))

    def break_off(self, content: bytes) -> None:
        """The first half of a message, and the end of the connection."""
        self.transport.write(_head(content) + content[: len(content) // 2])
        self.transport.close()

    def write_close(self, code: int, reason: str) -> None:
        """A close frame with any code, also one that none may carry: the library refuses to send those."""
        content = struct.pack("!H", code) + reason.encode()
        self.transport.write(bytes((_CLOSE, len(content))) + content)

    def data_received(self, data: bytes) -> None:
        if self._taker is None:
            super().data_received(data)
            return
        data = self._unread + data if self._unread else data
        start, end = 0, len(data)
        while (stop := _end_of_frame(data, start, end)) is not None:
            if data[start] != _WHOLE_BINARY or not self._taker(_unmasked(data, start, stop)):
                super().data_received(data[start:stop])
            start = stop
        self._unread = data[start:]

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        extensions: Any = self.scope["extensions"]
        extensions[DROP] = self.transport.abort
        extensions[HOLD] = self._hold
        extensions[WIRE] = self

    def _hold(self) -> None:
        # Never resumed: this end has gone deaf while the socket stays open.
        self.read_paused = False
        if not self.transport.is_closing():
            self.transport.pause_reading()


_WHOLE_BINARY: Final = 0x82  # the first byte of a message that is one frame
_CLOSE: Final = 0x88
_MASK_BYTES: Final = 4


def _head(content: bytes) -> bytes:
    """What precedes a message that goes to the client (RFC 6455, section 5.2)."""
    size = len(content)
    if size < 126:
        return bytes((_WHOLE_BINARY, size))
    if size < 65536:
        return struct.pack("!BBH", _WHOLE_BINARY, 126, size)
    return struct.pack("!BBQ", _WHOLE_BINARY, 127, size)


def _end_of_frame(data: bytes, start: int, end: int) -> int | None:
    """Where a client's frame ends; None while some of it is still to come."""
    content = _content_at(data, start, end)
    if content is None:
        return None
    first = data[start + 1] & 0x7F
    size = first if first < 126 else int.from_bytes(data[start + 2 : content - _MASK_BYTES])
    return content + size if content + size <= end else None


def _content_at(data: bytes, start: int, end: int) -> int | None:
    if end - start < 2:
        return None
    extra = {126: 2, 127: 8}.get(data[start + 1] & 0x7F, 0)
    content = start + 2 + extra + _MASK_BYTES
    return content if content <= end else None


def _unmasked(data: bytes, start: int, stop: int) -> bytes:
    content = start + 2 + {126: 2, 127: 8}.get(data[start + 1] & 0x7F, 0) + _MASK_BYTES
    return apply_mask(data[content:stop], data[content - _MASK_BYTES : content])
