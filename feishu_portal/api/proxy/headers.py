"""Which headers are relayed: those that are known to be harmless, and no others."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus

RawHeaders = list[tuple[bytes, bytes]]

# Neither Authorization nor Cookie nor Host, nothing that says where a request came from, nothing hop-by-hop.
TO_PLATFORM = frozenset(
    {
        b"accept", b"accept-language", b"content-encoding", b"content-language", b"content-type", b"if-match",
        b"if-modified-since", b"if-none-match", b"if-range", b"if-unmodified-since", b"prefer", b"range", b"x-request-id",
    }
)  # fmt: skip
TO_CALLER = frozenset(
    {
        b"accept-ranges", b"content-disposition", b"content-encoding", b"content-language", b"content-length",
        b"content-range", b"content-type", b"etag", b"last-modified", b"retry-after", b"x-ogw-ratelimit-limit",
        b"x-ogw-ratelimit-reset", b"x-request-id", b"x-tt-logid",
    }
)  # fmt: skip
# What comes from the platform is served from the console's origin: no browser may take it for a page of the portal,
# no cache may keep what is one user's.
_GUARDS: RawHeaders = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"sandbox; default-src 'none'"),
]

_NO_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
_CONTROLS = bytes([*range(9), *range(10, 32), 127])
_BLANKED = bytes.maketrans(_CONTROLS, b" " * len(_CONTROLS))
"""Controls in values become blanks (RFC 9110, 5.5): a server may send none, and what it refuses would leave the caller
without an answer."""


def to_platform(headers: Iterable[tuple[bytes, bytes]]) -> RawHeaders:
    """The caller's headers that are relayed, byte for byte. The length of the body is set where it is sent."""
    named = ((name.lower(), value) for name, value in headers)
    return [(name, value) for name, value in named if name in TO_PLATFORM]


def to_caller(headers: Iterable[tuple[bytes, bytes]], *, status: int, added: Mapping[str, str]) -> RawHeaders:
    """The platform's headers that are relayed, byte for byte but for controls, and the portal's own. A Location gets another name: a client
    that follows it blindly would take its API key along. A length beside chunks counts for nothing (RFC 9112, 6.3), and of a
    304 it is that of another answer, which a server would wait for."""
    headers = [(name.lower(), value) for name, value in headers]
    own = [(name.encode(), value.encode("latin-1", "replace")) for name, value in added.items()]
    dropped = {name for name, _value in own}
    if status in _NO_BODY or any(name == b"transfer-encoding" for name, _value in headers):
        dropped.add(b"content-length")
    passed: RawHeaders = []
    for name, value in headers:
        if name in TO_CALLER and name not in dropped:
            passed.append((name, value))
        elif name == b"location":
            passed.append((b"feishu-portal-location", value))
    return [*((name, value.translate(_BLANKED)) for name, value in (*passed, *own)), *_GUARDS]


def has_body(method: str, status: int) -> bool:
    """Whether an answer can carry a body."""
    return method != "HEAD" and status not in _NO_BODY
