"""What a failed exchange shows: a stable reason out of whatever the libraries raised. Pure."""

import socket
import ssl
from collections.abc import Iterator, Sequence

import httpx2

from feishu.departures import DeparturesClosedError
from feishu.networks import ForbiddenAddressError
from feishu.reasons import Reason

PROXY_AUTHENTICATION = 407
_FORBIDDEN = frozenset({401, 403})
_NO_NAME = (socket.gaierror, httpx2.InvalidURL, UnicodeError)


def reason_of(error: BaseException, *, proxied: bool, answered: bool = False) -> Reason:
    """Why nothing came back. `proxied`: the first hop was a proxy, so what failed to begin failed there. `answered`: the
    headers of an answer had come."""
    causes = list(causes_of(error))
    if any(isinstance(cause, ForbiddenAddressError) for cause in causes):
        return Reason.FORBIDDEN_ADDRESS
    if any(isinstance(cause, DeparturesClosedError) for cause in causes):
        return Reason.PASSIVE
    reason = _refusal(causes) or _silence(causes, proxied=proxied)
    return Reason.CUT if answered and reason is Reason.BROKEN else reason


def _refusal(causes: Sequence[BaseException]) -> Reason | None:
    """What the first hop said, where it said something."""
    for cause in causes:
        if isinstance(cause, httpx2.ProxyError):
            return proxy_refusal(_leading_number(str(cause)))
        if isinstance(cause, ssl.SSLError):
            return Reason.TLS
    return None


def _silence(causes: Sequence[BaseException], *, proxied: bool) -> Reason:
    if any(isinstance(cause, _NO_NAME) for cause in causes):
        return Reason.PROXY_UNREACHABLE if proxied else Reason.DNS
    if any(isinstance(cause, TimeoutError | httpx2.TimeoutException) for cause in causes):
        return Reason.PROXY_TIMEOUT if proxied else Reason.TIMEOUT
    if any(isinstance(cause, httpx2.ConnectError | ConnectionRefusedError) for cause in causes):
        return Reason.PROXY_UNREACHABLE if proxied else Reason.UNREACHABLE
    return Reason.BROKEN


def proxy_refusal(status: int) -> Reason:
    """What a proxy's answer to CONNECT means; 0 for one that cannot be read."""
    if status == PROXY_AUTHENTICATION:
        return Reason.PROXY_REFUSED
    return Reason.PROXY_FORBIDS if status in _FORBIDDEN else Reason.PROXY_FAILED


def causes_of(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _leading_number(text: str) -> int:
    word = text.split(" ", 1)[0]
    return int(word) if len(word) == 3 and word.isascii() and word.isdecimal() else 0
