"""Asking the platform where its gateway is, over HTTP."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import TypeAlias

import httpx2

from feishu.credentials import AppCredentials
from feishu.diagnosis import PROXY_AUTHENTICATION, reason_of
from feishu.errors import ConnectError, MalformedAnswer, TransportError
from feishu.long_connection import discovery
from feishu.long_connection.config import ClientConfig
from feishu.long_connection.discovery import Endpoint
from feishu.outgoing import DIRECT, AsyncOutgoingTransport, Route
from feishu.platform_clock import FEWEST, platform_clock
from feishu.proxies import parse_proxy
from feishu.reasons import Reason
from feishu.tls import trusted

MAX_ANSWER = 64 * 1024
CONFIRM_SECONDS = 2.0
_UNUSABLE = (httpx2.InvalidURL, UnicodeError)
"""What the libraries say of a host that cannot be a name."""
_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError, *_UNUSABLE)
"""Raised before the first byte of the request is written; a refused proxy tunnel carries none of it either."""


ClientOf: TypeAlias = Callable[[Route], httpx2.AsyncClient]
"""Makes a client that goes this way."""


def new_client(route: Route) -> httpx2.AsyncClient:
    """A client for one question.

    Nothing is kept open and nothing shared: the library's pool looks at every connection for every request, which
    holds the loop for seconds when hundreds of bots ask at once, and in a pool the slow would delay the others.
    """
    transport = AsyncOutgoingTransport(route, verify=trusted(), limits=httpx2.Limits())
    return httpx2.AsyncClient(transport=transport, trust_env=False)


def load_client() -> None:
    """Have done beforehand what else the first question waits for: reading the certificates, and late imports.

    Blocks for a tenth of a second: not for a thread with an event loop.
    """

    async def open_and_close() -> None:
        async with new_client(DIRECT):
            pass

    asyncio.run(open_and_close())


async def find_gateway(
    credentials: AppCredentials, *, seconds: float, config: ClientConfig, client: ClientOf = new_client
) -> Endpoint:
    """Where to dial, within so many seconds. Raises ConnectError, MalformedAnswer or TransportError."""
    question = discovery.request(credentials)
    proxied = bool(credentials.route.proxy_for(question.url))
    try:
        async with asyncio.timeout(seconds):
            status, body = await _ask(question, credentials.route, client, seconds)
    except TimeoutError as error:
        raise credentials.route.told(
            TransportError(
                f"the gateway's address did not come within {seconds:g} s",
                sent="unknown",
                reason=reason_of(error, proxied=proxied),
            )
        ) from None
    except (httpx2.HTTPError, *_UNUSABLE) as error:
        raise credentials.route.told(
            TransportError(
                f"{type(error).__name__}: {error}",
                sent="no" if isinstance(error, _NOT_SENT) else "unknown",
                reason=reason_of(error, proxied=proxied),
            )
        ) from error
    if status == PROXY_AUTHENTICATION:
        raise TransportError("the proxy refused", sent="no", reason=Reason.PROXY_REFUSED)
    await _confirm_clock(question.url, credentials.route, client)
    endpoint = discovery.parse_answer(status, body, config)
    if httpx2.URL(question.url).scheme == "https" and not endpoint.is_encrypted:
        raise ConnectError("the gateway's address is not encrypted", reason=Reason.GATEWAY_UNENCRYPTED)
    return endpoint


async def _confirm_clock(url: str, route: Route, client: ClientOf) -> None:
    """One answer says that the clock is wrong: ask for as many more as it takes to believe it. Whatever they are, they have a date."""
    for _ in range(FEWEST - 1):
        if not platform_clock.is_in_doubt(httpx2.URL(url).host):
            return
        with contextlib.suppress(httpx2.HTTPError, TimeoutError):
            async with asyncio.timeout(CONFIRM_SECONDS), client(route) as http:
                began = time.monotonic()
                async with http.stream("HEAD", httpx2.URL(url).join("/"), follow_redirects=False) as response:
                    _note_clock(response, began)


def _note_clock(response: httpx2.Response, began: float) -> None:
    platform_clock.note(
        response.url.host,
        status=response.status_code,
        headers=response.headers,
        took=time.monotonic() - began,
    )


async def _ask(
    question: discovery.DiscoveryRequest, route: Route, client: ClientOf, seconds: float
) -> tuple[int, bytes]:
    try:
        if route.proxy:
            parse_proxy(route.proxy)
    except ValueError as error:
        raise TransportError(f"unusable proxy: {error}", sent="no", reason=Reason.PROXY_UNUSABLE) from None
    async with client(route) as http:
        return await _post(question, http, seconds)


async def _post(
    question: discovery.DiscoveryRequest, http: httpx2.AsyncClient, seconds: float
) -> tuple[int, bytes]:
    began = time.monotonic()
    async with http.stream(
        "POST",
        question.url,
        headers=dict(question.headers),
        json=dict(question.body),
        timeout=seconds,
        follow_redirects=False,
    ) as response:
        _note_clock(response, began)
        return response.status_code, await _read(response)


async def _read(response: httpx2.Response) -> bytes:
    body = bytearray()
    try:
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MAX_ANSWER:
                raise MalformedAnswer("the answer is too large", http_status=response.status_code)
    except (httpx2.RemoteProtocolError, httpx2.ReadError) as error:
        raise TransportError(f"{type(error).__name__}: {error}", sent="unknown", reason=Reason.CUT) from error
    return bytes(body)
