"""The log of calls: what came in, what went out, newest first, with every secret masked."""

import itertools
import re
from collections import deque
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from msgspec import Struct

from sandbox.strange_json import parse_json

MASK = "••••"
_SECRET_KEYS = re.compile(
    r"^(app_?secret|client_secret|client_?assertion|encrypt_key|verification_token|authorization|password"
    r"|(tenant_|app_|user_)?(access_|refresh_)?token|code|code_verifier|device_code|user_code|ticket|access_key"
    r"|verification_uri_complete)$",
    re.IGNORECASE,
)
_URL_SECRET = re.compile(r"([?&](?:ticket|access_key|code|user_code|access_token|token)=)[^&\s\"]+")
_MAX_TEXT = 4000


class LoggedCall(Struct):
    """One line of the log. `kind`: a call of the app, or a push to it. Times are milliseconds."""

    number: int
    kind: str
    at: int
    method: str
    path: str
    status: int
    code: int | None
    ms: float
    log_id: str
    app_id: str
    request: Any
    response: Any
    content_type: str = ""
    """Of the request's body, without its parameters."""


class CallLog:
    def __init__(self, keep: int) -> None:
        self._calls: deque[LoggedCall] = deque(maxlen=keep)
        self._numbers = itertools.count(1)

    def add(self, **fields: Any) -> LoggedCall:
        call = LoggedCall(number=next(self._numbers), **fields)
        self._calls.appendleft(call)
        return call

    def newest(self, *, limit: int, app_id: str | None = None) -> list[LoggedCall]:
        matching = (call for call in self._calls if app_id in {None, call.app_id})
        return list(itertools.islice(matching, limit))


def readable(body: bytes, content_type: str = "") -> Any:
    """A body as the log shows it: parsed, masked, cut when long."""
    text = body[: _MAX_TEXT * 4].decode("utf-8", "replace")
    if content_type.startswith("application/x-www-form-urlencoded"):
        return masked(dict(parse_qsl(text)))
    try:
        return masked(parse_json(body)) if body else None
    except ValueError:
        return text[:_MAX_TEXT]


def masked(value: Any) -> Any:
    """A copy without secrets, whatever their depth."""
    if isinstance(value, dict):
        return {key: _masked_item(str(key), item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    if isinstance(value, str):
        return masked_url(value)[:_MAX_TEXT]
    return value


def masked_url(text: str) -> str:
    return _URL_SECRET.sub(rf"\1{MASK}", text)


def masked_query(query: str) -> str:
    """A query string with its secrets masked."""
    pairs = [(key, _masked_item(key, value)) for key, value in parse_qsl(query, keep_blank_values=True)]
    return urlencode(pairs, safe="/:").replace(quote(MASK), MASK)


def _masked_item(key: str, value: Any) -> Any:
    if isinstance(value, str) and value and _SECRET_KEYS.match(key):
        return MASK
    return masked(value)
