"""One attempt to push: the HTTP request, and its result."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import httpx2

from core import __version__
from core.database.text import storable
from core.tracing import outgoing_headers
from events.subscriptions.http.failures import NO_ANSWER, NOT_HTTP, REDIRECTED, why
from events.subscriptions.http.signatures import signed_headers
from feishu.networks import Networks, Resolver, resolve
from feishu.outgoing import AsyncOutgoingTransport, Route
from feishu.retry_after import retry_after
from feishu.tls import trusted

TOTAL_SECONDS: Final = 15.0
CONNECT_SECONDS: Final = 5.0
MAX_READ: Final = 4096  # bytes of a response
MAX_SNIPPET: Final = 500  # characters of it that are kept
MAX_TARGET: Final = 200  # characters of a redirect's target that are shown


@dataclass(frozen=True, slots=True)
class PushRequest:
    """A signed POST to a receiver. Payload and secrets never show in a log or a traceback. ``most_read``: bytes of the
    response that are read."""

    url: str
    message_id: str
    payload: bytes = field(repr=False)
    secrets: Sequence[str] = field(repr=False)
    most_read: int = MAX_READ


@dataclass(frozen=True, slots=True)
class PushResult:
    """How one attempt ended. ``status`` is None when the receiver was not reached, and ``error`` says why; ``response`` is
    the beginning of the response's body, ``body`` all of it, or None where it was not read to its end. ``retry_after`` is in
    seconds, ``redirect`` where a redirect leads. ``fault`` says why the answer to a callback cannot be shown."""

    status: int | None
    response: str = ""
    error: str = ""
    retry_after: float | None = None
    redirect: str = ""
    body: bytes | None = field(default=None, repr=False)
    fault: str = ""

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300 and not self.fault

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
        if self.fault:
            return self.fault
        if self.redirect:
            return REDIRECTED(status=self.status, target=self.redirect)
        return f"HTTP {self.status}: {self.response}" if self.response else f"HTTP {self.status}"


async def post(request: PushRequest, *, networks: Networks, resolver: Resolver = resolve) -> PushResult:
    """Send the request once. Redirects are not followed, the response is read up to ``most_read``, it all takes
    ``TOTAL_SECONDS`` at most. Never raises: the result holds the error."""
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            return await _post(request, networks, resolver)
    except TimeoutError:
        return PushResult(None, error=NO_ANSWER(seconds=f"{TOTAL_SECONDS:g}"))
    except httpx2.InvalidURL:
        return PushResult(None, error=NOT_HTTP())
    except (httpx2.HTTPError, OSError, ValueError) as error:
        return PushResult(None, error=why(error, request.url)[:MAX_SNIPPET])


async def _post(request: PushRequest, networks: Networks, resolver: Resolver) -> PushResult:
    if not _is_http(request.url):
        raise httpx2.InvalidURL(request.url)
    headers = {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": f"feishu-portal/{__version__}",
        **outgoing_headers(),
        **signed_headers(
            message_id=request.message_id,
            timestamp=int(time.time()),
            payload=request.payload,
            secrets=request.secrets,
        ),
    }
    outgoing = httpx2.Request(
        "POST",
        request.url,
        headers=headers,
        content=request.payload,
        extensions={"timeout": httpx2.Timeout(TOTAL_SECONDS, connect=CONNECT_SECONDS).as_dict()},
    )
    # A connection serves one attempt: each is checked by itself.
    async with AsyncOutgoingTransport(
        Route(networks=networks),
        verify=trusted(),
        limits=httpx2.Limits(max_keepalive_connections=0),
        resolver=resolver,
    ) as transport:
        # Without a client: also one that follows no redirect fails at a response whose target it cannot read.
        response = await transport.handle_async_request(outgoing)
        response.request = outgoing
        try:
            body, is_whole = await _read(response, request.most_read)
            return PushResult(
                response.status_code,
                _snippet(body),
                body=body if is_whole else None,
                retry_after=retry_after(response.headers.get("retry-after", "")),
                redirect=_target(response),
            )
        finally:
            await response.aclose()


def _is_http(address: str) -> bool:
    try:
        url = urlsplit(address)
        return url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        return False


def _target(response: httpx2.Response) -> str:
    """Where a redirect leads, without query and user, which may hold a secret; empty where it is none."""
    if not response.has_redirect_location:
        return ""
    try:
        target = response.request.url.join(response.headers["location"])
    except (httpx2.InvalidURL, ValueError):
        return "?"
    host = f"[{target.host}]" if ":" in target.host else target.host
    shown = f"{target.scheme}://{host}{f':{target.port}' if target.port else ''}{target.path}"
    return storable(shown, MAX_TARGET)


async def _read(response: httpx2.Response, most: int) -> tuple[bytes, bool]:
    """The first ``most`` bytes of the body, and whether that is all. Not decompressed: a small response could unfold without
    end."""
    read = b""
    try:
        async for chunk in response.aiter_raw(MAX_READ):
            read += chunk
            if len(read) > most:
                return read[:most], False
    except httpx2.HTTPError:
        return read, False  # the status line has already said how the attempt ended
    return read, True


def _snippet(body: bytes) -> str:
    """The beginning of the body on one line."""
    text = body[:MAX_READ].decode("utf-8", "replace").replace("\x00", "\ufffd")
    return " ".join(text.split())[:MAX_SNIPPET]
