"""One try: the request, and what came of it."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from ssl import SSLContext
from typing import Final
from urllib.parse import urlsplit

import httpx

from core import __version__
from events.subscriptions.http.networks import (
    ForbiddenAddressError,
    Networks,
    Resolve,
    checked_addresses,
    resolve,
)
from events.subscriptions.http.signatures import signed_headers

TOTAL_SECONDS: Final = 15.0
CONNECT_SECONDS: Final = 5.0
MAX_ANSWER: Final = 4096  # bytes read of an answer
MAX_SNIPPET: Final = 500  # characters kept of it
GONE: Final = 410
TOO_BUSY: Final = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent to a receiver. ``keys`` never show in a log or a traceback."""

    url: str
    message_id: str
    body: bytes = field(repr=False)
    keys: Sequence[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one try. ``status`` is None when the receiver was not reached; ``retry_after`` is in seconds."""

    status: int | None
    answer: str = ""
    error: str = ""
    retry_after: float | None = None

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """The receiver wants nothing any more."""
        return self.status == GONE

    @property
    def summary(self) -> str:
        """Why it did not succeed, in a line."""
        if self.status is None:
            return self.error
        return f"HTTP {self.status}: {self.answer}" if self.answer else f"HTTP {self.status}"


async def post(letter: Letter, *, networks: Networks, lookup: Resolve = resolve) -> Reply:
    """Send the letter once. Redirects are not followed, the answer is read up to a bound, nothing takes longer than
    ``TOTAL_SECONDS``, and nothing is raised: what went wrong stands in the reply."""
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            return await _post(letter, networks, lookup)
    except TimeoutError:
        return Reply(None, error=f"No answer within {TOTAL_SECONDS:g} s.")
    except ForbiddenAddressError as error:
        return Reply(None, error=str(error))
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return Reply(None, error=f"{type(error).__name__}: {error}"[:MAX_SNIPPET])


async def _post(letter: Letter, networks: Networks, lookup: Resolve) -> Reply:
    url = urlsplit(letter.url)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ValueError("The address is not one of HTTP.")
    host, port = url.hostname, url.port or (443 if url.scheme == "https" else 80)
    addresses = await checked_addresses(host, port, networks=networks, lookup=lookup)
    for address in addresses[:-1]:
        try:
            return await _post_to(address, port, letter)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            continue
    return await _post_to(addresses[-1], port, letter)


async def _post_to(address: str, port: int, letter: Letter) -> Reply:
    """To this very address, in the name of the host: a second look-up could give another one."""
    url = httpx.URL(letter.url)
    headers = {
        "host": url.netloc.decode(),
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": f"feishu-portal/{__version__}",
        **signed_headers(
            message_id=letter.message_id, timestamp=int(time.time()), body=letter.body, keys=letter.keys
        ),
    }
    # A connection serves one try: the next one may have to go to another host at the same address.
    async with httpx.AsyncClient(
        verify=_trusted(),
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(TOTAL_SECONDS, connect=CONNECT_SECONDS),
        limits=httpx.Limits(max_keepalive_connections=0),
    ) as client:
        request = client.build_request(
            "POST",
            url.copy_with(host=address, port=port),
            headers=headers,
            content=letter.body,
            extensions={"sni_hostname": url.host},
        )
        response = await client.send(request, stream=True)
        try:
            return Reply(
                response.status_code, await _snippet(response), retry_after=_retry_after(response.headers)
            )
        finally:
            await response.aclose()


async def _snippet(response: httpx.Response) -> str:
    """The beginning of the answer as one line. Never decompressed: a small answer could unfold without end."""
    read = b""
    with suppress(httpx.HTTPError):  # the status says what became of it
        async for chunk in response.aiter_raw(MAX_ANSWER):
            read += chunk
            if len(read) >= MAX_ANSWER:
                break
    text = read[:MAX_ANSWER].decode("utf-8", "replace").replace("\x00", "\ufffd")
    return " ".join(text.split())[:MAX_SNIPPET]


def _retry_after(headers: httpx.Headers) -> float | None:
    """Seconds, from either form of Retry-After (RFC 9110, 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())


@cache
def _trusted() -> SSLContext:
    """Reading the certificates takes longer than a delivery."""
    return httpx.create_ssl_context(trust_env=False)
