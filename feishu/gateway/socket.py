"""The WebSocket itself, dialled the platform's way."""

import asyncio
import contextlib
import functools
import logging
import ssl
from collections.abc import Sequence
from typing import cast

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from feishu.errors import ConnectError, TransportError
from feishu.gateway.discovery import Endpoint, handshake_error
from feishu.gateway.timing import Timing

MAX_FRAME = 16 * 1024 * 1024
"""Bytes; the platform names no limit, and the library's default of 1 MiB would drop the connection."""
MAX_QUEUE = 256
"""Frames read ahead before the peer is slowed down."""

# At DEBUG the library writes down the request line, which holds the ticket.
_wire = logging.getLogger("feishu.gateway.wire")
_wire.setLevel(logging.INFO)


class GatewaySocket(ClientConnection):
    """A client connection that can write many frames at once."""

    async def send_batch(self, frames: Sequence[bytes]) -> None:
        """Send each as a binary message, in one write. Raises ConnectionClosed."""
        async with self.send_context():
            for frame in frames:
                self.protocol.send_binary(frame)
            self.transport.write(b"".join(self.protocol.data_to_send()))

    async def hang_up(self, seconds: float) -> None:
        """Close with the closing handshake, or without it when that takes too long."""
        try:
            async with asyncio.timeout(seconds):
                await self.close()
        except (TimeoutError, OSError):
            await self.cut(seconds)

    async def cut(self, seconds: float) -> None:
        """Close at once, without a word."""
        self.transport.abort()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.wait_closed()


async def dial(endpoint: Endpoint, timing: Timing, *, proxy: str | None = None) -> GatewaySocket:
    """Connect to the gateway. Raises ConnectError if it refuses, TransportError if it cannot be reached.

    No exception carries the address, because that holds the ticket.
    """
    try:
        socket = await connect(
            endpoint.url,
            create_connection=GatewaySocket,
            compression=None,
            user_agent_header="feishu-portal",
            ssl=_tls() if endpoint.url.startswith("wss:") else None,
            proxy=proxy,
            open_timeout=timing.dial,
            close_timeout=timing.close,
            ping_interval=None,
            max_size=MAX_FRAME,
            max_queue=MAX_QUEUE,
            logger=_wire,
        )
    except InvalidStatus as error:
        headers = {name.lower(): value for name, value in error.response.headers.raw_items()}
        raise handshake_error(error.response.status_code, headers) from None
    except TimeoutError:
        raise TransportError(f"dialling took longer than {timing.dial:g} s", sent="unknown") from None
    except OSError as error:
        raise TransportError(
            f"dialling failed: {error.strerror or type(error).__name__}", sent="no"
        ) from None
    except WebSocketException as error:
        raise ConnectError(f"the handshake failed: {type(error).__name__}", stage="handshake") from None
    return cast("GatewaySocket", socket)


@functools.cache
def _tls() -> ssl.SSLContext:
    """Trusts whom our HTTP requests trust; made once, because reading the certificates takes a while."""
    return httpx.create_ssl_context()
