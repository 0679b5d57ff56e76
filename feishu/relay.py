"""Streaming HTTP to the platform: requests and answers pass through without being read whole. For asyncio."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, TypeAlias

import httpx2

from feishu.diagnosis import PROXY_AUTHENTICATION, reason_of
from feishu.errors import MalformedAnswer, TransportError
from feishu.outgoing import DIRECT, AsyncOutgoingTransport, Route
from feishu.reasons import Reason
from feishu.tls import trusted

CONNECT_TIMEOUT: Final = 3.0
IDLE_TIMEOUT: Final = 60.0
"""Seconds in which the platform has to take, or to send, the next bytes."""
IDLE_CONNECTION: Final = 15.0
"""Seconds an unused connection is kept: shorter than the other end keeps it, so that none is used that is just closing."""
MAX_CONNECTIONS: Final = 1000
"""Per route, and so per platform. Whoever relays bounds its calls; this only keeps them from queueing here."""
MAX_CLIENTS: Final = 32
"""Routes whose connections are kept."""
FIRST_STATUS: Final = 200
LAST_STATUS: Final = 599

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]

# Raised before the first byte is written. Unlike in `transport`, a LocalProtocolError is none of them: a body that turns
# out shorter than announced has been written in part.
_NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
    # A host that cannot be a name.
    httpx2.InvalidURL,
    UnicodeError,
)


class Relayed:
    """An answer whose body is still on its way. Has to be closed."""

    def __init__(self, response: httpx2.Response, closed: Callable[[], None] = lambda: None) -> None:
        self.status = response.status_code
        self.headers = response.headers
        """With lower-case names."""
        self.raw_headers: Headers = [(name.lower(), value) for name, value in response.headers.raw]
        """Byte for byte: the value of a header need not be text in any encoding that we know."""
        self._response = response
        self._closed = closed
        # One iterator for all readers: the body can be read once.
        self._body = self._read()
        self._reading: asyncio.Future[bytes] | None = None

    async def next_chunk(self, *, patience: float | None = None) -> bytes:
        """The next bytes of the body as they come, still encoded as its Content-Encoding says; empty at its end.

        Raises TransportError where it is cut off, TimeoutError after `patience` seconds: ask again, nothing is lost.
        """
        if self._reading is None:
            if patience is None:
                return await anext(self._body, b"")
            self._reading = asyncio.ensure_future(anext(self._body, b""))
        # Not wait_for, which would cancel the reading and lose the connection.
        await asyncio.wait({self._reading}, timeout=patience)
        if not self._reading.done():
            raise TimeoutError
        chunk, self._reading = self._reading, None
        return chunk.result()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body from where the last reader stopped; raises TransportError where it is cut off."""
        while chunk := await self.next_chunk():
            yield chunk

    async def _read(self) -> AsyncGenerator[bytes]:
        try:
            async for chunk in self._response.aiter_raw():
                if chunk:
                    yield chunk
        except httpx2.TimeoutException as error:
            raise TransportError(_sentence(error), sent="unknown", reason=Reason.TIMEOUT) from error
        except httpx2.TransportError as error:
            raise TransportError(_sentence(error), sent="unknown", reason=Reason.CUT) from error

    async def close(self) -> None:
        """Give the connection back, or cut it where the body was not read to its end."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        await self._body.aclose()
        try:
            await self._response.aclose()
        finally:
            self._closed()


class Relay:
    """Belongs to one event loop. Never retries, follows no redirect, keeps no cookie."""

    def __init__(self) -> None:
        self._clients: OrderedDict[Route, _Client] = OrderedDict()
        self._retired: list[_Client] = []

    async def open(
        self,
        method: str,
        base_url: str,
        target: str,
        *,
        headers: Headers,
        body: AsyncIterator[bytes] | None = None,
        route: Route = DIRECT,
    ) -> Relayed:
        """Send a request and return as soon as the answer's headers are there.

        `target`: path and query, sent letter for letter after the path of `base_url`. A `body` is sent chunked unless
        `headers` give its length. What `body` raises comes out. Raises TransportError or MalformedAnswer.
        """
        client, call = self._client(route), object()
        client.calls.add(call)
        try:
            await self._close_unused()
            response = await _sent(client.http, _Request(method, base_url, target, headers, body), route)
        except BaseException:
            client.calls.discard(call)
            raise
        return Relayed(response, closed=partial(client.calls.discard, call))

    def _client(self, route: Route) -> "_Client":
        if route not in self._clients:
            self._clients[route] = _Client(_new_client(route))
            if len(self._clients) > MAX_CLIENTS:
                # Calls may still be under way in it.
                self._retired.append(self._clients.popitem(last=False)[1])
        self._clients.move_to_end(route)
        return self._clients[route]

    async def _close_unused(self) -> None:
        """Close the retired clients whose last call is over."""
        unused = [client for client in self._retired if not client.calls]
        self._retired = [client for client in self._retired if client.calls]
        for client in unused:
            await client.http.aclose()

    async def close(self) -> None:
        """Cut every connection."""
        for client in (*self._clients.values(), *self._retired):
            await client.http.aclose()
        self._clients.clear()
        self._retired.clear()


@dataclass(slots=True, eq=False)
class _Client:
    """The connections of one route, and the calls that use them."""

    http: httpx2.AsyncClient
    calls: set[object] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    base_url: str
    target: str
    headers: Headers
    body: AsyncIterator[bytes] | None


async def _sent(client: httpx2.AsyncClient, asked: _Request, route: Route) -> httpx2.Response:
    try:
        base = httpx2.URL(asked.base_url)
        url = base.copy_with(raw_path=base.raw_path.rstrip(b"/") + asked.target.encode("ascii"))
        request = client.build_request(asked.method, url, headers=list(asked.headers), content=asked.body)
        response = await client.send(request, stream=True)
    except _NOT_SENT as error:
        reason = _reason(error, route, asked.base_url)
        raise route.told(TransportError(_sentence(error), sent="no", reason=reason)) from error
    except httpx2.TransportError as error:
        reason = _reason(error, route, asked.base_url)
        raise route.told(TransportError(_sentence(error), sent="unknown", reason=reason)) from error
    if response.status_code == PROXY_AUTHENTICATION:
        await response.aclose()
        raise TransportError("the proxy refused", sent="no", reason=Reason.PROXY_REFUSED)
    if not FIRST_STATUS <= response.status_code <= LAST_STATUS:
        await response.aclose()
        raise MalformedAnswer("the status is none of HTTP", http_status=response.status_code)
    return response


def _new_client(route: Route) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        transport=AsyncOutgoingTransport(
            route,
            verify=trusted(),
            limits=httpx2.Limits(
                max_connections=MAX_CONNECTIONS,
                max_keepalive_connections=MAX_CONNECTIONS,
                keepalive_expiry=IDLE_CONNECTION,
            ),
        ),
        trust_env=False,
        timeout=httpx2.Timeout(IDLE_TIMEOUT, connect=CONNECT_TIMEOUT, pool=CONNECT_TIMEOUT),
        headers={"User-Agent": "feishu-portal", "Accept-Encoding": "identity"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
    )


def _reason(error: Exception, route: Route, url: str) -> Reason:
    return reason_of(error, proxied=bool(route.proxy_for(url)))


def _sentence(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
