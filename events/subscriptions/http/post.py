"""One attempt to push: the HTTP request, and its result."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from ssl import SSLCertVerificationError
from typing import Final
from urllib.parse import urlsplit

import httpx

from core import __version__
from core.database.text import storable
from events.subscriptions.http.signatures import signed_headers
from feishu.diagnosis import causes_of, reason_of
from feishu.networks import ForbiddenAddressError, Networks, Resolver, resolve
from feishu.outgoing import AsyncOutgoingTransport, Route
from feishu.reasons import Reason
from feishu.tls import trusted

TOTAL_SECONDS: Final = 15.0
CONNECT_SECONDS: Final = 5.0
MAX_READ: Final = 4096  # bytes of a response
MAX_SNIPPET: Final = 500  # characters of it that are kept
MAX_TARGET: Final = 200  # characters of a redirect's target that are shown


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
    the beginning of the response's body. ``retry_after`` is in seconds, ``redirect`` where a redirect leads."""

    status: int | None
    response: str = ""
    error: str = ""
    retry_after: float | None = None
    redirect: str = ""

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
        if self.redirect:
            return f"HTTP {self.status}: redirected to {self.redirect}. Redirects are not followed: enter the final address."
        return f"HTTP {self.status}: {self.response}" if self.response else f"HTTP {self.status}"


async def post(request: PushRequest, *, networks: Networks, resolver: Resolver = resolve) -> PushResult:
    """Send the request once. Redirects are not followed, the response is read up to ``MAX_READ``, it all takes
    ``TOTAL_SECONDS`` at most. Never raises: the result holds the error."""
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            return await _post(request, networks, resolver)
    except TimeoutError:
        return PushResult(None, error=f"No answer within {TOTAL_SECONDS:g} s.")
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return PushResult(None, error=_failure(error)[:MAX_SNIPPET])


async def _post(request: PushRequest, networks: Networks, resolver: Resolver) -> PushResult:
    url = urlsplit(request.url)
    if url.scheme not in {"http", "https"} or not url.hostname or url.port == 0:
        raise ValueError("The address is not one of HTTP.")
    headers = {
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
    # A connection serves one attempt: each is checked anew.
    transport = AsyncOutgoingTransport(
        Route(networks=networks),
        verify=trusted(),
        limits=httpx.Limits(max_keepalive_connections=0),
        resolver=resolver,
    )
    async with httpx.AsyncClient(
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(TOTAL_SECONDS, connect=CONNECT_SECONDS),
    ) as client:
        outgoing = client.build_request("POST", request.url, headers=headers, content=request.payload)
        response = await client.send(outgoing, stream=True)
        try:
            return PushResult(
                response.status_code,
                await _snippet(response),
                retry_after=_retry_after(response.headers.get("retry-after", "")),
                redirect=_target(response),
            )
        finally:
            await response.aclose()


def _target(response: httpx.Response) -> str:
    """Where a redirect leads, without query and user, which may hold a secret; empty where it is none."""
    if not response.has_redirect_location:
        return ""
    try:
        target = response.request.url.join(response.headers["location"])
    except (httpx.InvalidURL, ValueError):
        return "?"
    host = f"[{target.host}]" if ":" in target.host else target.host
    shown = f"{target.scheme}://{host}{f':{target.port}' if target.port else ''}{target.path}"
    return storable(shown, MAX_TARGET)


def _failure(error: Exception) -> str:
    """What happened, and where it is known what to do about it."""
    match reason_of(error, proxied=False):
        case Reason.FORBIDDEN_ADDRESS:
            return next(str(cause) for cause in causes_of(error) if isinstance(cause, ForbiddenAddressError))
        case Reason.TLS:
            return (
                f"The receiver's certificate is not trusted ({_certificate_problem(error)}). If the company's own authority "
                "has signed it, name its file in FEISHU_CA_FILE for the worker processes."
            )
        case Reason.PROXY_REFUSED | Reason.PROXY_FAILED:
            return (
                f"The proxy of HTTPS_PROXY did not let it through ({error}). Hosts that are reached without it are listed "
                "in NO_PROXY."
            )
    return f"{type(error).__name__}: {error}"


def _certificate_problem(error: Exception) -> str:
    """In OpenSSL's words, without its file names and numbers."""
    for cause in causes_of(error):
        if isinstance(cause, SSLCertVerificationError):
            return cause.verify_message
    return "the TLS handshake failed"


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
