"""Parsing the address of a call strictly: the call that was checked is the call that is sent, whoever parses it."""

import re
import unicodedata
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote

from starlette.types import Scope

from core.access.path_rules import METHODS
from feishu_portal.api.problems import Problem, not_found

PREFIX = "/proxy/"
MAX_ADDRESS = 8 * 1024  # bytes of path and query; the usual limit of servers

_ROUTE = re.compile(rb"/proxy/(cli_[0-9A-Za-z]{1,60})/(?:(app)|users/([^/]{1,400}))(/open-apis/.+)")
_PERSON = re.compile(r"(?!\.+$)[0-9A-Za-z_.+@-]{1,128}")  # an open_id, union_id, user_id or e-mail address
# RFC 3986's pchar without ";": what follows one is a parameter to some servers and part of the name to others.
_SEGMENT = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,=:@-]|%[0-9A-Fa-f]{2})+")
_SAFE = "~!$&'()*+,=:@"
_AMBIGUOUS = re.compile(r"[/\\;?#%\x00-\x1f\x7f]")
_CONTROL = re.compile(rb"[\x00-\x20\x23\x7f]")  # and #, which would end the query
_NOT_IN_ADDRESSES = re.compile(rb"[\x22\x80-\xff]")

# With these a caller would get tokens past the portal, or end everybody's sessions.
DENIED = (("auth",), ("authen",), ("oauth",), ("oidc",), ("passport",), ("suite", "passport"), ("mina",))
WHO_AM_I = ("authen", "v1", "user_info")  # hands out no token
TOKEN_CALLS = (
    ("auth", "v3", "tenant_access_token", "internal"),
    ("auth", "v3", "app_access_token", "internal"),
)
"""With which an official SDK begins; answered here, with the caller's own key."""
_TOKEN_PARAMETERS = {
    "access_token", "user_access_token", "tenant_access_token", "app_access_token", "refresh_token", "app_secret",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """The API to call, and in whose name. ``person`` is an open_id, union_id, user_id or e-mail address, empty for the bot
    itself; ``segments`` are decoded."""

    app_id: str
    person: str
    method: str
    segments: tuple[str, ...]
    query: str = field(repr=False)

    @property
    def path(self) -> str:
        """As it is sent, and as it is written down."""
        return "/" + "/".join(quote(segment, safe=_SAFE) for segment in self.segments)

    @property
    def asks_for_app_token(self) -> bool:
        """Whether this is the call with which an SDK begins, to be answered here."""
        return self.method == "POST" and self.segments[1:] in TOKEN_CALLS

    @property
    def address(self) -> str:
        """Path and query."""
        return f"{self.path}?{self.query}" if self.query else self.path


def read_target(scope: Scope) -> Target:
    """The target of a request under ``/proxy/``. Raises Problem."""
    method = scope["method"]
    if method not in METHODS:
        raise Problem(
            405,
            "method_not_allowed",
            "The proxy sends no such request.",
            headers={"Allow": ", ".join(METHODS)},
        )
    raw, query = _raw_path(scope), scope["query_string"]
    if len(raw) + len(query) > MAX_ADDRESS:
        raise Problem(414, "address_too_long", f"Path and query may have {MAX_ADDRESS} bytes.")
    match = _ROUTE.fullmatch(raw)
    if match is None:
        raise not_found("thing")
    app_id, _app, written, path = match.groups()
    person = unquote((written or b"").decode("latin-1"), errors="replace")
    if written and not _PERSON.fullmatch(person):
        raise not_found("thing")
    # A slash at the end names nothing more; many SDKs and people write one.
    written_segments = _encoded(path).removesuffix("/").split("/")[1:]
    segments = tuple(_segment(text) for text in written_segments)
    target = Target(app_id.decode(), person, method, segments, _query(query))
    if any(_begins(segments[1:], denied) for denied in DENIED):
        is_harmless = segments[1:] == WHO_AM_I and method in {"GET", "HEAD"}
        if not is_harmless and not target.asks_for_app_token:
            raise Problem(403, "path_not_allowed", "The portal alone asks the platform for tokens.")
    return target


def _raw_path(scope: Scope) -> bytes:
    """As the client wrote it, without the prefix under which a proxy serves the portal."""
    raw: bytes | None = scope.get("raw_path")
    if raw is None:
        raw = quote(scope["path"]).encode()
    return raw.partition(b"?")[0].removeprefix(scope.get("root_path", "").encode())


def _segment(text: str) -> str:
    """One decoded segment. Raises Problem where two parsers could read different paths."""
    if not _SEGMENT.fullmatch(text):
        raise _invalid("path")
    try:
        plain = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise _invalid("path") from None
    folded = unicodedata.normalize("NFKC", plain)
    if folded in {".", ".."} or _AMBIGUOUS.search(folded):
        raise _invalid("path")
    return plain


def _begins(segments: tuple[str, ...], denied: tuple[str, ...]) -> bool:
    folded = tuple(unicodedata.normalize("NFKC", segment).casefold() for segment in segments[: len(denied)])
    return folded == denied


def _encoded(part: bytes) -> str:
    """Quotes and whatever is no ASCII percent-encoded, byte for byte, as a browser would have done."""
    return _NOT_IN_ADDRESSES.sub(lambda byte: b"%%%02X" % byte[0][0], part).decode("ascii")


def _query(written: bytes) -> str:
    if _CONTROL.search(written):
        raise _invalid("query")
    query = _encoded(written)
    names = {name.casefold() for name, _value in parse_qsl(query, keep_blank_values=True)}
    if names & _TOKEN_PARAMETERS:
        raise Problem(
            400, "token_in_query", "No token belongs in an address; the portal adds it where it does."
        )
    return query


def _invalid(part: str) -> Problem:
    return Problem(400, f"invalid_{part}", f"The {part} can be read in more than one way.")
