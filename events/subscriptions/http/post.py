"""One attempt to push: the HTTP request, and its result."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from ssl import SSLContext
from typing import Final
from urllib.parse import urlsplit

import httpx

from core import __version__
from events.subscriptions.http.networks import (
    ForbiddenAddressError,
    Networks,
    Resolver,
    allowed_addresses,
    resolve,
)
from events.subscriptions.http.signatures import signed_headers

TOTAL_SECONDS: Final = 15.0
CONNECT_SECONDS: Final = 5.0
MAX_READ: Final = 4096  # bytes of a response
MAX_SNIPPET: Final = 500  # characters of it that are kept


@dataclass(frozen=True, slots=True)
class PushRequest:
    """A signed POST to a receiver. Payload and secrets never show in a log or a traceback."""

    url: str
    message_id: str
    payload: bytes = field(repr=False)
    secrets: Sequence[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class PushResult:
    """How one attempt ended. ``status`` is None when the receiver was not reached, and ``error`` says why; ``response`` is
    the beginning of the response's body. ``retry_after`` is in seconds."""

    status: int | None
    response: str = ""
    error: str = ""
    retry_after: float | None = None

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """The receiver no longer exists, see "410 Gone" in the Standard Webhooks specification."""
        return self.status == HTTPStatus.GONE

    @property
    def is_overloaded(self) -> bool:
        """The receiver is there and asks for patience."""
        return self.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}

    @property
    def summary(self) -> str:
        """Why the attempt failed, in one line."""
        if self.status is None:
            return self.error
        return f"HTTP {self.status}: {self.response}" if self.response else f"HTTP {self.status}"


async def post(request: PushRequest, *, networks: Networks, resolver: Resolver = resolve) -> PushResult:
    """Send the request once. Redirects are not followed, the response is read up to ``MAX_READ``, it all takes
    ``TOTAL_SECONDS`` at most. Never raises: the result holds the error."""
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            return await _post(request, networks, resolver)
    except TimeoutError:
        return PushResult(None, error=f"No answer within {TOTAL_SECONDS:g} s.")
    except ForbiddenAddressError as error:
        return PushResult(None, error=str(error))
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return PushResult(None, error=f"{type(error).__name__}: {error}"[:MAX_SNIPPET])


async def _post(request: PushRequest, networks: Networks, resolver: Resolver) -> PushResult:
    url = urlsplit(request.url)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ValueError("The address is not one of HTTP.")
    host, port = url.hostname, url.port or (443 if url.scheme == "https" else 80)
    addresses = await allowed_addresses(host, port, networks=networks, resolver=resolver)
    for address in addresses[:-1]:
        try:
            return await _post_to(address, port, request)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            continue
    return await _post_to(addresses[-1], port, request)


async def _post_to(address: str, port: int, request: PushRequest) -> PushResult:
    """Connects to this very address with the host's name in Host and SNI: resolving again could give another address."""
    url = httpx.URL(request.url)
    headers = {
        "host": url.netloc.decode(),
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": f"feishu-portal/{__version__}",
        **signed_headers(
            message_id=request.message_id,
            timestamp=int(time.time()),
            payload=request.payload,
            secrets=request.secrets,
        ),
    }
    # A connection serves one attempt: the next one may have to go to another host at the same address.
    async with httpx.AsyncClient(
        verify=_trusted_certificates(),
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(TOTAL_SECONDS, connect=CONNECT_SECONDS),
        limits=httpx.Limits(max_keepalive_connections=0),
    ) as client:
        outgoing = client.build_request(
            "POST",
            url.copy_with(host=address, port=port),
            headers=headers,
            content=request.payload,
            extensions={"sni_hostname": url.host},
        )
        response = await client.send(outgoing, stream=True)
        try:
            return PushResult(
                response.status_code,
                await _snippet(response),
                retry_after=_retry_after(response.headers.get("retry-after", "")),
            )
        finally:
            await response.aclose()


async def _snippet(response: httpx.Response) -> str:
    """The beginning of the body on one line. Not decompressed: a small response could unfold without end."""
    read = b""
    with suppress(httpx.HTTPError):  # the status line has already said how the attempt ended
        async for chunk in response.aiter_raw(MAX_READ):
            read += chunk
            if len(read) >= MAX_READ:
                break
    text = read[:MAX_READ].decode("utf-8", "replace").replace("\x00", "\ufffd")
    return " ".join(text.split())[:MAX_SNIPPET]


def _retry_after(value: str) -> float | None:
    """Seconds, from either form of Retry-After (RFC 9110, 10.2.3); None for anything else."""
    value = value.strip()
    if value.isascii() and value.isdigit() and len(value) < 10:
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (aware - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None


@cache
def _trusted_certificates() -> SSLContext:
    """Once a process: reading the certificates takes longer than a delivery."""
    return httpx.create_ssl_context(trust_env=False)
