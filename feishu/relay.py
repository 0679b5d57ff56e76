"""Streaming HTTP to the platform: requests and answers pass through without being read whole. For asyncio."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, TypeAlias

import httpx

from feishu.diagnosis import PROXY_AUTHENTICATION, reason_of
from feishu.errors import TransportError
from feishu.proxies import environment_proxy
from feishu.reasons import Reason
from feishu.transport import tls

CONNECT_TIMEOUT: Final = 3.0
IDLE_TIMEOUT: Final = 60.0
"""Seconds in which the platform has to take, or to send, the next bytes."""
IDLE_CONNECTION: Final = 15.0
"""Seconds an unused connection is kept: shorter than the other end keeps it, so that none is used that is just closing."""
MAX_CONNECTIONS: Final = 1000
"""Per proxy, and so per platform. Whoever relays bounds its calls; this only keeps them from queueing here."""
MAX_CLIENTS: Final = 32
"""Proxies whose connections are kept."""

Headers: TypeAlias = Sequence[tuple[str, str]]

# Raised before the first byte is written. Unlike in `transport`, a LocalProtocolError is none of them: a body that turns
# out shorter than announced has been written in part.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


@dataclass(frozen=True, slots=True)
class Relayed:
    """An answer whose body is still on its way. `headers` have lower-case names. Has to be closed."""

    status: int
    headers: httpx.Headers = field(repr=False)
    response: httpx.Response = field(repr=False)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes, still encoded as its Content-Encoding says; raises TransportError where it breaks off."""
        try:
            async for chunk in self.response.aiter_raw():
                yield chunk
        except httpx.TransportError as error:
            raise TransportError(_sentence(error), sent="unknown") from error

    async def close(self) -> None:
        """Give the connection back, or cut it where the body was not read to its end."""
        await self.response.aclose()


class Relay:
    """Belongs to one event loop. Never retries, follows no redirect, keeps no cookie."""

    def __init__(self) -> None:
        self._clients: OrderedDict[str, httpx.AsyncClient] = OrderedDict()
        self._retired: list[httpx.AsyncClient] = []

    async def open(
        self,
        method: str,
        base_url: str,
        target: str,
        *,
        headers: Headers,
        body: AsyncIterator[bytes] | None = None,
        proxy: str = "",
    ) -> Relayed:
        """Send a request and return as soon as the answer's headers are there.

        `target`: path and query, sent letter for letter after the path of `base_url`. A `body` is sent chunked unless
        `headers` give its length. What `body` raises comes out. Raises TransportError.
        """
        base = httpx.URL(base_url)
        url = base.copy_with(raw_path=base.raw_path.rstrip(b"/") + target.encode("ascii"))
        client = self._client(proxy)
        request = client.build_request(method, url, headers=list(headers), content=body)
        try:
            response = await client.send(request, stream=True)
        except _NOT_SENT as error:
            raise TransportError(
                _sentence(error), sent="no", reason=_reason(error, proxy, base_url)
            ) from error
        except httpx.TransportError as error:
            reason = _reason(error, proxy, base_url)
            raise TransportError(_sentence(error), sent="unknown", reason=reason) from error
        if response.status_code == PROXY_AUTHENTICATION:
            await response.aclose()
            raise TransportError("the proxy refused", sent="no", reason=Reason.PROXY_REFUSED)
        return Relayed(response.status_code, response.headers, response)

    def _client(self, proxy: str) -> httpx.AsyncClient:
        if proxy not in self._clients:
            self._clients[proxy] = _new_client(proxy)
            if len(self._clients) > MAX_CLIENTS:
                # Calls may still be under way in it; it closes with the relay, its idle connections by themselves.
                self._retired.append(self._clients.popitem(last=False)[1])
        self._clients.move_to_end(proxy)
        return self._clients[proxy]

    async def close(self) -> None:
        """Cut every connection."""
        for client in (*self._clients.values(), *self._retired):
            await client.aclose()
        self._clients.clear()
        self._retired.clear()


def _new_client(proxy: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        proxy=proxy or None,
        verify=tls(),
        timeout=httpx.Timeout(IDLE_TIMEOUT, connect=CONNECT_TIMEOUT, pool=CONNECT_TIMEOUT),
        limits=httpx.Limits(
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=MAX_CONNECTIONS,
            keepalive_expiry=IDLE_CONNECTION,
        ),
        headers={"User-Agent": "feishu-portal", "Accept-Encoding": "identity"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
    )


def _reason(error: httpx.TransportError, proxy: str, url: str) -> Reason:
    return reason_of(error, proxied=bool(proxy or environment_proxy(url)))


def _sentence(error: httpx.TransportError) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
