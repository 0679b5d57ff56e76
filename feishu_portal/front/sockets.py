"""Bounds for WebSockets under uvicorn.

Live pages send one short message. uvicorn would take 16 MiB from anybody, before it is known who that is, and compresses,
which keeps a state of 80 kB for each socket that saves little on messages as short as these. Who runs it chooses the
command, so the class itself is changed.
"""

from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

MAX_MESSAGE: Final = 1024 * 1024
"""Bytes of a message to the portal."""

_init = WebSocketsSansIOProtocol.__init__


def install() -> None:
    """Bound every socket that is opened from now on. May be called twice."""
    WebSocketsSansIOProtocol.__init__ = _init_bounded  # type: ignore[method-assign]


def _init_bounded(self: WebSocketsSansIOProtocol, config: Config, *arguments: Any, **options: Any) -> None:
    config.ws_max_size = min(config.ws_max_size, MAX_MESSAGE)
    config.ws_per_message_deflate = False
    _init(self, config, *arguments, **options)
