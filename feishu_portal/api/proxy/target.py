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

_ROUTE = re.compile(rb"/proxy/(cli_[0-9A-Za-z]{1,60})/(?:(app)|users/([0-9A-Za-z_-]{1,128}))(/open-apis/.+)")
# RFC 3986's pchar without ";": what follows one is a parameter to some servers and part of the name to others.
_SEGMENT = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,=:@-]|%[0-9A-Fa-f]{2})+")
_SAFE = "~!$&'()*+,=:@"
_AMBIGUOUS = re.compile(r"[/\\;?#%\x00-\x1f\x7f]")
_QUERY = re.compile(rb"[\x21\x24-\x7e]*")  # printable, without " and #

# With these a caller would get tokens past the portal, or end everybody's sessions.
DENIED = (("auth",), ("authen",), ("oauth",), ("oidc",), ("passport",), ("suite", "passport"), ("mina",))
_TOKEN_PARAMETERS = {
    "access_token", "user_access_token", "tenant_access_token", "app_access_token", "refresh_token", "app_secret",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """The API to call, and in whose name. ``open_id`` is empty for the bot itself; ``segments`` are decoded."""

    app_id: str
    open_id: str
    method: str
    segments: tuple[str, ...]
    query: str = field(repr=False)

    @property
    def path(self) -> str:
        """As it is sent, and as it is written down."""
        return "/" + "/".join(quote(segment, safe=_SAFE) for segment in self.segments)

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
    app_id, _app, open_id, path = match.groups()
    segments = tuple(_segment(text) for text in path.decode("latin-1").split("/")[1:])
    if any(_begins(segments[1:], denied) for denied in DENIED):
        raise Problem(403, "path_not_allowed", "The portal alone asks the platform for tokens.")
    return Target(app_id.decode(), (open_id or b"").decode(), method, segments, _query(query))


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


def _query(query: bytes) -> str:
    if not _QUERY.fullmatch(query):
        raise _invalid("query")
    names = {name.casefold() for name, _value in parse_qsl(query.decode(), keep_blank_values=True)}
    if names & _TOKEN_PARAMETERS:
        raise Problem(
            400, "token_in_query", "No token belongs in an address; the portal adds it where it does."
        )
    return query.decode()


def _invalid(part: str) -> Problem:
    return Problem(400, f"invalid_{part}", f"The {part} can be read in more than one way.")
