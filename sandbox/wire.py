"""The server's protocols, with a way to cut a connection or to let it hang, as a failing network does."""

from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

DROP: Final = "sandbox.drop"
"""Name of the ASGI extension that cuts the connection."""
HOLD: Final = "sandbox.hold"
"""Name of the ASGI extension that stops reading: no message, no ping is answered any more."""


class HttpProtocol(HttpToolsProtocol):
    """HTTP whose applications may cut the connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope: Any = self.scope
        scope["extensions"] = {DROP: self.transport.abort}


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """WebSocket whose applications may cut the connection or let it hang."""

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
