"""A way through an HTTP proxy: a connected socket on which the platform itself is spoken to.

By hand, because the WebSocket library sends user and password as they stand in the URL, percent signs and all, and does
not tell a proxy that is away from a platform that is.
"""

import asyncio
import socket
from collections import Counter
from operator import itemgetter
from typing import Final

from feishu.diagnosis import proxy_refusal, reason_of
from feishu.errors import TransportError
from feishu.names import Found, names
from feishu.networks import EVERYWHERE, Networks
from feishu.proxies import Proxy
from feishu.reasons import Reason

_MAX_HEAD: Final = 16 * 1024
ATTEMPT_SECONDS: Final = 2.0
"""For one address of a host that has more."""


async def open_tunnel(
    proxy: Proxy, host: str, port: int, *, networks: Networks | None = EVERYWHERE
) -> socket.socket:
    """A non-blocking socket that leads to `host`; the caller closes it, and limits the time. `networks`: where the proxy may
    be.

    Raises TransportError, without user and password, or ForbiddenAddressError.
    """
    try:
        channel = await connect_checked(proxy.host, proxy.port, networks)
    except OSError as error:
        raise _unreachable(error) from None
    try:
        await _ask(channel, proxy, host, port)
    except BaseException as error:
        channel.close()
        if isinstance(error, OSError) and not isinstance(error, TimeoutError):
            raise TransportError("the proxy broke the line", sent="no", reason=Reason.PROXY_FAILED) from error
        raise
    return channel


async def _ask(channel: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    await asyncio.get_running_loop().sock_sendall(channel, _request(proxy, host, port))
    status = _status(await _head(channel))
    if not 200 <= status < 300:
        said = f"the proxy answered {status}" if status else "the proxy does not speak HTTP"
        raise TransportError(said, sent="no", reason=proxy_refusal(status))


async def connect_checked(host: str, port: int, networks: Networks | None) -> socket.socket:
    """A non-blocking socket to one of the host's addresses, all of which were checked before. One that does not answer, as those of
    IPv6 where a network promises it and has none, does not use up the time of the others. Raises OSError, or
    ForbiddenAddressError."""
    loop = asyncio.get_running_loop()
    failure: OSError | None = None
    addresses = await names.look_up(host, port)
    if networks is not None:
        networks.check(host, [str(address[0]) for *_rest, address in addresses])
    left = len(addresses)
    for family, kind, protocol, _name, address in _alternating(addresses):
        left -= 1
        try:
            channel = socket.socket(family, kind, protocol)
        except OSError as error:  # this host has no IPv6, say
            failure = error
            continue
        channel.setblocking(False)
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS if left else None):
                await loop.sock_connect(channel, address)
        except OSError as error:  # TimeoutError is one
            channel.close()
            failure = error
        except BaseException:
            channel.close()
            raise
        else:
            return channel
    raise failure or OSError("no address")


def _alternating(addresses: Found) -> Found:
    """In their order, with IPv6 and IPv4 taking turns."""
    ranks: Counter[int] = Counter()
    ranked = []
    for address in addresses:
        ranked.append((ranks[address[0]], address))
        ranks[address[0]] += 1
    return [address for _rank, address in sorted(ranked, key=itemgetter(0))]


def _unreachable(error: OSError) -> TransportError:
    reason = reason_of(error, proxied=True)
    return TransportError(
        f"the proxy cannot be reached: {error.strerror or type(error).__name__}",
        sent="no",
        reason=Reason.PROXY_UNREACHABLE if reason is Reason.BROKEN else reason,
    )


def _request(proxy: Proxy, host: str, port: int) -> bytes:
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", "User-Agent: feishu-portal"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


async def _head(channel: socket.socket) -> bytes:
    """The answer up to the empty line. Nothing may follow it: in the tunnel, the client speaks first."""
    loop = asyncio.get_running_loop()
    head = bytearray()
    while b"\r\n\r\n" not in head:
        chunk = await loop.sock_recv(channel, 4096)
        head += chunk
        if not chunk or len(head) > _MAX_HEAD:
            break
    return bytes(head)


def _status(head: bytes) -> int:
    """The number in `HTTP/1.1 200 Connection established`; 0 where there is none."""
    words = head.partition(b"\r\n")[0].split(b" ", 2)
    complete = b"\r\n\r\n" in head and words[0].startswith(b"HTTP/1.") and len(words) > 1
    return int(words[1]) if complete and words[1].isdigit() and len(words[1]) == 3 else 0
