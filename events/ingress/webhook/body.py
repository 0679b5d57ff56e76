"""Reading the bodies of requests within a size and a time, before it is known who sends them.

A body of the platform's is there within milliseconds. Slow ones never keep it out: where there are too many under way,
in all or from one address, the one that began first gives way to the new one.
"""

import asyncio
from collections import Counter
from ipaddress import ip_network

from starlette.requests import Request

from events.ingress.webhook.refusals import TOO_LARGE, TOO_SLOW, Refused

MAX_BYTES = 64 * 1024 * 1024
"""Of all bodies under way in one process."""
SHARE = 4
"""One address has a quarter of the places at most."""


class BodyReader:
    """Reads the bodies of one event loop's requests."""

    def __init__(self) -> None:
        self._under_way: dict[asyncio.Timeout, str] = {}
        """The addresses they come from, in the order in which they began."""
        self._of_peer: Counter[str] = Counter()
        self._bytes = 0

    async def read(
        self, request: Request, *, limit: int, places: int, seconds: float, first_seconds: float
    ) -> bytes:
        """At most ``limit`` bytes within ``seconds``, the first within ``first_seconds``, beside at most ``places`` others.
        Raises Refused, or ClientDisconnect when the caller went away."""
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > limit:
            raise Refused(TOO_LARGE)
        ends = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout(first_seconds) as patience:
                return await self._read(request, limit, patience, ends, places)
        except TimeoutError:
            raise Refused(TOO_SLOW) from None

    async def _read(
        self, request: Request, limit: int, patience: asyncio.Timeout, ends: float, places: int
    ) -> bytes:
        body, peer = bytearray(), _peer(request)
        if self._of_peer[peer] >= max(1, places // SHARE):
            self._end_oldest(peer)
        elif self._of_peer.total() >= places:
            self._end_oldest()
        self._under_way[patience] = peer
        self._of_peer[peer] += 1
        try:
            async for chunk in request.stream():
                body += chunk
                self._bytes += len(chunk)
                if len(body) > limit:
                    raise Refused(TOO_LARGE)
                if self._bytes > max(MAX_BYTES, 2 * limit):
                    self._end_oldest()
                if body:
                    patience.reschedule(ends)
            return bytes(body)
        finally:
            self._bytes -= len(body)
            self._forget(patience)

    def _end_oldest(self, peer: str | None = None) -> None:
        for patience, its_peer in self._under_way.items():
            if peer in {None, its_peer}:
                patience.reschedule(asyncio.get_running_loop().time())
                self._forget(patience)
                return

    def _forget(self, patience: asyncio.Timeout) -> None:
        peer = self._under_way.pop(patience, None)
        if peer is not None:
            self._of_peer[peer] -= 1
            if not self._of_peer[peer]:
                del self._of_peer[peer]


def _peer(request: Request) -> str:
    """The address of the caller, or of the proxy in front; of IPv6 the network, which one caller has as a whole."""
    host = request.client.host if request.client else ""
    try:
        return str(ip_network((host, 64), strict=False)) if ":" in host else host
    except ValueError:
        return host
