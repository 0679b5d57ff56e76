"""What shots are made of: what has to be known of the portal, and odd values, names and headers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_from_bytes

from hypothesis import strategies as st

WEBHOOK_KEY, WEBHOOK_TOKEN = "the-encrypt-key-of-the-fuzz", "the-verification-token-of-the-fuzz"
"""Of rows.py."""
ODD = (
    "", " ", "0", "1", "-1", "x", "\x00", "a\x00b", "\x7f", "\r\n", "\u2028", "\u202e", "飞书", "😀" * 40, "%", "%00", "'",
    '"', "`", "\\", "<b>", "{{7*7}}", "${x}", "[]", "{}", "null", "NaN", "Infinity", "1e400", "-1e26", "9" * 30,
    "9" * 5000, "9223372036854775807", "9223372036854775808", "-9223372036854775809", "0001-01-01T00:00", "9999-12-31T23:59",
    "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-02-30", "00000000-0000-0000-0000-000000000000", "a" * 300,
    "x" * 20_000, "../" * 20, "//", "http://[", "https://user:pw@host/", "javascript:alert(1)", "cli_", "ou_", "²", "٣",
    "\udc80", "WyJcdWQ4MDAiLCAieCJd", "e30=", "W10=", "W251bGxd", "=", "bot__owners__password", "__", "id__in",
)  # fmt: skip
odd = st.sampled_from(ODD) | st.text(max_size=20) | st.integers().map(str)
QUERY = (
    "q", "p", "o", "all", "_popup", "_to_field", "_changelist_filters", "e", "before", "after", "cursor", "limit", "from",
    "until", "since", "wait", "state", "code", "error", "lang", "next", "s", "page", "term", "app_label", "model_name",
    "field_name", "bot__id__exact", "status__exact", "event_type__exact", "state__exact", "arrived_by__exact", "pk", "show",
    "handler", "failure", "kind__exact", "enabled__exact", "platform__exact", "action", "at__gte", "bot", "open_id", "scope",
    "person", "status", "type", "tenant_key", "ids",
)  # fmt: skip
HEADERS = (
    ("X-Request-Id", "\xfc"), ("X-Request-Id", "x" * 5000), ("Accept-Language", "zh-Hans-" + "x-" * 200), ("Cookie", "\x01=\xff; ;="),
    ("Accept", "\xe9"), ("X-Forwarded-For", "::" * 50), ("X-Forwarded-Proto", "ftp"), ("Range", "bytes=9-1"), ("Expect", "x"),
    ("If-None-Match", '"' * 9), ("If-Modified-Since", "Mon, 99 Foo 9999 99:99:99 GMT"), ("Idempotency-Key", "\xff"),
    ("Idempotency-Key", "k"), ("Content-Encoding", "gzip"), ("Last-Event-ID", "9" * 40), ("Last-Event-ID", "x"),
    ("Referer", "http://["), ("Origin", "null"), ("User-Agent", ""), ("Forwarded", "for=\x80"), ("Authorization", "Bearer \xff"),
    ("Authorization", "Bearer fp_00000000_x"), ("Authorization", "Basic e"), ("Sec-Fetch-Mode", "\xa0"),
)  # fmt: skip
extra_headers = st.lists(st.sampled_from(HEADERS), max_size=2).map(tuple) | st.just(())
JSON_TYPE = ("Content-Type", "application/json")
FORM_TYPE = ("Content-Type", "application/x-www-form-urlencoded")
CSRF = "f" * 32


@dataclass(frozen=True)
class Portal:
    """What sources have to know of the portal: `rows` are those of rows.py."""

    url: str
    rows: dict[str, Any]
    document: dict[str, Any]
    fetch: Callable[[str], str]
    """The page of an address, as the operator sees it."""


def text(value: bytes) -> str:
    return value.decode("latin-1")


def pieces(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")


def in_query(values: Iterable[tuple[str, str]]) -> str:
    return "&".join(
        f"{quote_from_bytes(pieces(name))}={quote_from_bytes(pieces(value))}" for name, value in values
    )


def browser(portal: Portal) -> tuple[tuple[str, str], ...]:
    """The operator's headers, a form's token among them."""
    cookie = f"{portal.rows['cookie']}; {portal.rows['csrf_cookie']}={CSRF}"
    return ("Cookie", cookie), ("X-CSRFToken", CSRF)


def program(portal: Portal) -> tuple[tuple[str, str], ...]:
    return (("Authorization", f"Bearer {portal.rows['key']}"),)
