"""HTTP to the platform: one pooled client, timeouts on everything, answers told apart from failures."""

import base64
import functools
import json as json_module
import os
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final

import httpx2

from feishu.deadlines import within
from feishu.diagnosis import PROXY_AUTHENTICATION, reason_of
from feishu.errors import MalformedAnswer, TransportError
from feishu.outgoing import DIRECT, OutgoingTransport, Route
from feishu.platform_clock import platform_clock
from feishu.reasons import Reason
from feishu.responses import PlatformAnswer, read_answer
from feishu.tls import trusted

__all__ = ["PlatformAnswer", "RawAnswer", "Transport", "default_transport", "unpooled_transport"]

CONNECT_TIMEOUT: Final = 3.0
TOTAL_TIMEOUT: Final = 15.0
MAX_BODY: Final = 8 * 1024 * 1024
MAX_TRANSPORTS: Final = 64
"""Transports kept open in one process: two for each route that bots have."""

# Raised before the first byte of the request is written; a refused proxy tunnel carries none of it either.
_NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError,
    # A host that cannot be a name, or a header that cannot be written.
    httpx2.InvalidURL,
    UnicodeError,
)


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """What came back, before anybody has judged it. `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


class Transport:
    """Thread-safe. Never retries, follows no redirect, keeps no cookie: one pool serves many apps and users.

    `route`: through which proxy and to which addresses. `keep_alive` False: each request has a
    connection of its own, for what may be sent only once. On a pooled connection that the other end has just
    closed, nobody can tell whether a request arrived.
    """

    def __init__(
        self, client: httpx2.Client | None = None, *, route: Route = DIRECT, keep_alive: bool = True
    ) -> None:
        self._route = route
        self._client = client or httpx2.Client(
            transport=OutgoingTransport(
                route,
                verify=trusted(),
                limits=httpx2.Limits(max_connections=100, max_keepalive_connections=20 if keep_alive else 0),
            ),
            trust_env=False,
            headers={"User-Agent": "feishu-portal"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )
        # One that is pushed out of the pool may be in use: it closes when nobody holds it any more.
        weakref.finalize(self, self._client.close)

    def request(
        self,
        method: str,
        url: str,
        *,
        bearer: str | None = None,
        basic: tuple[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        json: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> PlatformAnswer:
        """Send one request and read its answer, at most 8 MiB.

        `timeout`: seconds for the whole exchange (15), of which connecting may take 3.
        Raises TransportError (whose `sent` tells whether the request may have arrived), MalformedAnswer, or
        the APIError that fits the code.
        """
        raw = self.exchange(
            method,
            url,
            headers={**(headers or {}), **_authorization(bearer, basic)},
            params=params,
            json=json,
            form=form,
            timeout=timeout,
        )
        return read_answer(raw.status, raw.headers, raw.content)

    def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        json: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        timeout: float | None = None,
        most: int = MAX_BODY,
    ) -> RawAnswer:
        """The same for an answer of any shape and at most `most` bytes; the caller judges it. Raises TransportError and
        MalformedAnswer."""
        total = TOTAL_TIMEOUT if timeout is None else timeout
        began = time.monotonic()
        headers = dict(headers or {})
        content: bytes | None = None
        if json is not None:
            headers["Content-Type"] = "application/json; charset=utf-8"
            text = json_module.dumps(json, ensure_ascii=False, separators=(",", ":"))
            # Half of a surrogate pair, as truncated texts end in, becomes "?".
            content = text.encode(errors="replace")
        limits = httpx2.Timeout(total, connect=min(CONNECT_TIMEOUT, total), pool=min(CONNECT_TIMEOUT, total))
        answered = False
        try:
            with (
                within(total),
                self._client.stream(
                    method,
                    url,
                    params=params,
                    content=content,
                    data=form,
                    headers=headers,
                    timeout=limits,
                    follow_redirects=False,
                ) as response,
            ):
                answered = True
                platform_clock.note(
                    response.url.host,
                    status=response.status_code,
                    headers=response.headers,
                    took=time.monotonic() - began,
                )
                if response.status_code == PROXY_AUTHENTICATION:
                    raise TransportError("the proxy refused", sent="no", reason=Reason.PROXY_REFUSED)
                body = _read(response, most)
        except _NOT_SENT as error:
            reason = self._reason(error, url)
            raise self._route.told(TransportError(_sentence(error), sent="no", reason=reason)) from error
        except httpx2.DecodingError as error:
            raise MalformedAnswer("the answer could not be decompressed") from error
        except httpx2.TransportError as error:
            reason = self._reason(error, url, answered=answered)
            raise self._route.told(TransportError(_sentence(error), sent="unknown", reason=reason)) from error
        return RawAnswer(response.status_code, response.headers, body)

    def _reason(self, error: Exception, url: str, *, answered: bool = False) -> Reason:
        return reason_of(error, proxied=bool(self._route.proxy_for(url)), answered=answered)

    def close(self) -> None:
        """Close the pooled connections."""
        self._client.close()


def _authorization(bearer: str | None, basic: tuple[str, str] | None) -> dict[str, str]:
    if bearer:
        return {"Authorization": f"Bearer {bearer}"}
    if basic:
        return {"Authorization": f"Basic {base64.b64encode(':'.join(basic).encode()).decode()}"}
    return {}


def default_transport(route: Route = DIRECT) -> Transport:
    """The process's own transport for this route; made when first asked for.

    A forked child gets a new one.
    """
    return _transport_of(os.getpid(), route, keep_alive=True)


def unpooled_transport(route: Route = DIRECT) -> Transport:
    """The same for requests that may be sent only once: each has a connection of its own."""
    return _transport_of(os.getpid(), route, keep_alive=False)


@functools.lru_cache(maxsize=MAX_TRANSPORTS)
def _transport_of(_pid: int, route: Route, *, keep_alive: bool) -> Transport:
    return Transport(route=route, keep_alive=keep_alive)


def _read(response: httpx2.Response, most: int) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > most:
            raise MalformedAnswer(f"the answer is larger than {most} bytes", http_status=response.status_code)
    return bytes(body)


def _sentence(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
