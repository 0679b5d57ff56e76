"""The server's protocols: quiet about addresses, and with a way to cut a connection or to let it hang."""

import logging
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

DROP: Final = "sandbox.drop"
"""Name of the ASGI extension that cuts the connection, as a failing network does."""
HOLD: Final = "sandbox.hold"
"""Name of the ASGI extension that stops reading: no message, no ping is answered any more."""

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
            scope["extensions"] = {DROP: self.transport.abort}


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """WebSocket whose applications may cut the connection or let it hang."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.logger = self.conn.logger = _logger
        self.conn.debug = False

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        extensions: Any = self.scope["extensions"]
        extensions[DROP] = self.transport.abort
        extensions[HOLD] = self._hold

    def _hold(self) -> None:
        # Never resumed: this end has gone deaf while the socket stays open.
        self.read_paused = False
        if not self.transport.is_closing():
            self.transport.pause_reading()
