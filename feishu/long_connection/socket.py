"""The WebSocket itself, dialled the platform's way."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Sequence
from typing import cast
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.frames import Opcode

from feishu.diagnosis import reason_of
from feishu.errors import ConnectError, FeishuError, TransportError
from feishu.long_connection.discovery import Endpoint, handshake_error
from feishu.long_connection.timing import Timing
from feishu.long_connection.tunnel import connect_checked, open_tunnel
from feishu.networks import ForbiddenAddressError
from feishu.outgoing import DIRECT, Route, check_for_proxy
from feishu.proxies import environment_proxy, parse_proxy
from feishu.reasons import Reason
from feishu.tls import trusted

MAX_FRAME = 16 * 1024 * 1024
"""Bytes; the platform names no limit, and the library's default of 1 MiB would drop the connection."""
MAX_QUEUE = 256
"""Frames read ahead before the peer is slowed down."""

# At DEBUG the library writes down the request line, which holds the ticket.
_wire = logging.getLogger("feishu.long_connection.wire")
_wire.setLevel(logging.INFO)


class GatewaySocket(ClientConnection):
    """A client connection that reads and writes many messages at once."""

    async def recv_batch(self) -> list[bytes | str]:
        """The next message and those that came with it, in their order. Raises ConnectionClosed.

        Takes whole messages out of the library's own queue: a call of `recv` costs each as much as reading its frame.
        """
        messages: list[bytes | str] = [await self.recv()]
        queue = self.recv_messages.frames.queue
        while queue and queue[0].fin and queue[0].opcode is Opcode.BINARY:
            messages.append(bytes(queue.popleft().data))
        self.recv_messages.maybe_resume()
        return messages

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


async def dial(endpoint: Endpoint, timing: Timing, *, route: Route = DIRECT) -> GatewaySocket:
    """Connect to the gateway, which whoever answered the question for it has named: the route's rule holds for it, too.

    Raises ConnectError if it refuses, TransportError if it cannot be reached. No exception carries the address,
    because that holds the ticket.
    """
    proxy = route.proxy or environment_proxy(endpoint.url)
    try:
        async with asyncio.timeout(timing.dial):
            return await _open(endpoint, timing, await _first_hop(endpoint.url, proxy, route))
    except ForbiddenAddressError as error:
        raise TransportError(str(error), sent="no", reason=Reason.FORBIDDEN_ADDRESS) from None
    except TransportError as error:
        raise route.told(error) from None
    except FeishuError:
        raise
    except InvalidStatus as error:
        headers = {name.lower(): value for name, value in error.response.headers.raw_items()}
        raise handshake_error(error.response.status_code, headers) from None
    except TimeoutError as error:
        raise route.told(
            TransportError(
                f"dialling took longer than {timing.dial:g} s",
                sent="unknown",
                reason=reason_of(error, proxied=bool(proxy)),
            )
        ) from None
    except OSError as error:
        failed = f"dialling failed: {error.strerror or type(error).__name__}"
        raise route.told(TransportError(failed, sent="no", reason=_why(error, proxy))) from None
    except (WebSocketException, ValueError) as error:
        raise ConnectError(
            f"the handshake failed: {type(error).__name__}", stage="handshake", reason=Reason.HANDSHAKE
        ) from None


async def _open(endpoint: Endpoint, timing: Timing, channel: socket.socket) -> GatewaySocket:
    try:
        opened = await connect(
            endpoint.url,
            create_connection=GatewaySocket,
            compression=None,
            user_agent_header="feishu-portal",
            ssl=trusted() if endpoint.is_encrypted else None,
            sock=channel,
            proxy=None,
            open_timeout=None,
            close_timeout=timing.close,
            ping_interval=None,
            max_size=MAX_FRAME,
            max_queue=MAX_QUEUE,
            logger=_wire,
        )
    except BaseException:
        channel.close()
        raise
    return cast("GatewaySocket", opened)


async def _first_hop(url: str, proxy: str, route: Route) -> socket.socket:
    """A tunnel through the proxy, or a connection to an address that was checked."""
    address = urlsplit(url)
    host, port = address.hostname or "", address.port or (443 if address.scheme == "wss" else 80)
    if not proxy:
        return await connect_checked(host, port, route.networks)
    if route.networks is not None:
        await check_for_proxy(host, port, route.networks)
    try:
        parsed = parse_proxy(proxy)
    except ValueError as error:
        raise TransportError(f"unusable proxy: {error}", sent="no", reason=Reason.PROXY_UNUSABLE) from None
    return await open_tunnel(parsed, host, port, networks=route.networks_of_first_hop(proxy))


def _why(error: OSError, proxy: str) -> Reason:
    """Through a tunnel the line breaks behind the proxy; without one, nobody was there to begin with."""
    reason = reason_of(error, proxied=bool(proxy))
    if reason is Reason.BROKEN:
        return Reason.PROXY_FAILED if proxy else Reason.UNREACHABLE
    return reason
