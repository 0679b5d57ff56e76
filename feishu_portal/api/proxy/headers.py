"""Which headers are relayed: those that are known to be harmless, and no others."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus

RawHeaders = list[tuple[bytes, bytes]]

# Neither Authorization nor Cookie nor Host, nothing that says where a request came from, nothing hop-by-hop.
TO_PLATFORM = frozenset(
    {
        "accept", "accept-language", "content-encoding", "content-language", "content-type", "if-match",
        "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "prefer", "range", "x-request-id",
    }
)  # fmt: skip
TO_CALLER = frozenset(
    {
        "accept-ranges", "content-disposition", "content-encoding", "content-language", "content-length",
        "content-range", "content-type", "etag", "last-modified", "retry-after", "x-ogw-ratelimit-limit",
        "x-ogw-ratelimit-reset", "x-request-id", "x-tt-logid",
    }
)  # fmt: skip
# What comes from the platform is served from the console's origin: no browser may take it for a page of the portal,
# no cache may keep what is one user's.
_GUARDS: RawHeaders = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"sandbox; default-src 'none'"),
]


def to_platform(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """The caller's headers that are relayed. The length of the body is set where it is sent."""
    named = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers)
    return [(name, value) for name, value in named if name in TO_PLATFORM]


def to_caller(headers: Iterable[tuple[str, str]], *, added: Mapping[str, str]) -> RawHeaders:
    """The platform's headers that are relayed, and the portal's own. A Location gets another name: a client that follows
    it blindly would take its API key along."""
    passed: RawHeaders = []
    for name, value in headers:
        if name in TO_CALLER and name not in added:
            passed.append((name.encode(), value.encode("latin-1")))
        elif name == "location":
            passed.append((b"feishu-portal-location", value.encode("latin-1")))
    return [
        *passed,
        *((name.encode(), value.encode("latin-1", "replace")) for name, value in added.items()),
        *_GUARDS,
    ]


def has_body(method: str, status: int) -> bool:
    """Whether an answer can carry a body."""
    return method != "HEAD" and status not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
