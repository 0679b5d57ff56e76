"""Reading what the platform answers over HTTP.

`code` decides, never `msg` and never the HTTP status: old APIs report failures with 200, the token endpoint
with 400 (pages "Common error codes" and "Get user_access_token"). One function tells success from failure,
one chooses the error.
"""

import codecs
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from feishu.codes import REJECTED_TENANT_TOKEN, REJECTED_USER_TOKEN, Category, explain
from feishu.errors import APIError, InvalidToken, MalformedAnswer, MissingScope, OAuthError, RateLimited
from feishu.numbers import integer
from feishu.reasons import Reason
from feishu.retry_after import retry_after
from feishu.values import mapping_of, objects_of, text_of

_LOG_ID_HEADER: Final = "x-tt-logid"
_REJECTED_TOKEN: Final = REJECTED_TENANT_TOKEN | REJECTED_USER_TOKEN
_MISSING_SCOPE: Final = frozenset({99991672, 99991679})
_LONGEST_WAIT: Final = 3600.0
_LONGEST_EXCERPT: Final = 4096
_LONGEST_WORDS: Final = 200
_CHARSETS: Final = frozenset({"gbk", "gb2312", "gb18030", "big5", "iso-8859-1", "utf-16"})
"""Of pages that answer in the platform's place, besides UTF-8."""


@dataclass(frozen=True, slots=True)
class PlatformAnswer:
    """A success. `headers` have lower-case names; `log_id` is what the platform's support asks for."""

    status: int
    body: dict[str, Any] = field(repr=False)
    log_id: str
    headers: Mapping[str, str] = field(repr=False)

    @property
    def data(self) -> dict[str, Any]:
        """The `data` object most APIs wrap their result in; empty where there is none."""
        return mapping_of(self.body.get("data"))

    def items(self, name: str = "items") -> list[dict[str, Any]]:
        """The objects of a list in ``data``; empty where there is none."""
        return objects_of(self.data.get(name))


def read_answer(status: int, headers: Mapping[str, str], content: bytes) -> PlatformAnswer:
    """The answer, if it is a success; `headers` with lower-case names.

    Raises the APIError that fits the code, or MalformedAnswer. An empty body with a 2xx status is a success:
    that is how the revoke endpoint answers.
    """
    log_id = headers.get(_LOG_ID_HEADER, "")
    is_success = 200 <= status < 300
    body = {} if is_success and not content.strip() else json_object(content, headers)
    if body is None:
        if status == 429:
            raise RateLimited(
                "too many requests",
                http_status=status,
                log_id=log_id,
                reset_after=reset_after(headers),
                limit=rate_limit(headers),
            )
        raise _malformed(status, headers, content)
    code = integer(body.get("code"))
    if code or _oauth_error(body) or (code is None and status >= 400):
        raise _refusal(status, headers, body, code)
    if code is None and not is_success:
        raise _malformed(status, headers, content)
    return PlatformAnswer(status, body, log_id, headers)


def require_code(answer: PlatformAnswer) -> PlatformAnswer:
    """The answer of an API that always gives a code; raises MalformedAnswer where it gives none.

    `{}`, an empty body or another service's JSON says nothing of what became of the request.
    """
    if integer(answer.body.get("code")) == 0 and 200 <= answer.status < 300:
        return answer
    kind = answer.headers.get("content-type", "").strip()[:100] or "no content type"
    said = answer.body.get("msg") or answer.body.get("message") or answer.body.get("status")
    words = f": {said[:_LONGEST_WORDS]}" if isinstance(said, str) else ""
    raise MalformedAnswer(
        f"HTTP {answer.status} without a code of the platform ({kind}){words}",
        http_status=answer.status,
        log_id=answer.log_id,
    )


def _malformed(status: int, headers: Mapping[str, str], content: bytes) -> MalformedAnswer:
    """Something answered in the platform's place, or in a form of its own: what it was, as far as the answer shows it."""
    kind = headers.get("content-type", "").strip()[:100] or "no content type"
    reason = Reason.MALFORMED if 200 <= status < 300 else Reason.HTTP
    redirect = ""
    if 300 <= status < 400:
        reason = Reason.REDIRECTED
        redirect = f", redirected to {_host(headers.get('location', ''))}"
    return MalformedAnswer(
        f"HTTP {status} without a JSON object ({kind}{redirect})",
        http_status=status,
        log_id=headers.get(_LOG_ID_HEADER, ""),
        reason=reason,
        excerpt=excerpt_of(headers, content),
    )


def _host(location: str) -> str:
    """The host alone: the rest of an address may hold a secret."""
    try:
        return urlsplit(location).hostname or "the same host"
    except ValueError:
        return "an address that is none"


def excerpt_of(headers: Mapping[str, str], content: bytes) -> str:
    """The beginning of a body as text, in the charset that it names, else in UTF-8 or GB 18030."""
    return _text(headers, content[:_LONGEST_EXCERPT])


def _text(headers: Mapping[str, str], content: bytes) -> str:
    _, _, charset = headers.get("content-type", "").lower().partition("charset=")
    named = charset.strip(" \"';")
    for name in (named if named in _CHARSETS else "utf-8", "utf-8", "gb18030"):
        # A character that the cut went through is no reason to take another charset, hence the incremental decoder.
        with contextlib.suppress(UnicodeError):
            return codecs.getincrementaldecoder(name)().decode(content)
    return content.decode(errors="replace")


def _refusal(status: int, headers: Mapping[str, str], body: dict[str, Any], code: int | None) -> APIError:
    details = body["error"] if isinstance(body.get("error"), dict) else {}
    log_id = headers.get(_LOG_ID_HEADER) or str(details.get("log_id") or details.get("logid") or "")
    message = str(body.get("msg") or body.get("message") or f"HTTP {status}")
    if _is_rate_limit(status, code):
        return RateLimited(
            message,
            code=code,
            log_id=log_id,
            http_status=status,
            reset_after=reset_after(headers),
            limit=rate_limit(headers),
        )
    if error := _oauth_error(body):
        description = str(body.get("error_description") or "")
        return OAuthError(
            code=code, log_id=log_id, http_status=status, error=error, error_description=description
        )
    if code in _REJECTED_TOKEN:
        return InvalidToken(message, code=code, log_id=log_id, http_status=status)
    if code in _MISSING_SCOPE:
        return MissingScope(message, code=code, log_id=log_id, http_status=status, scopes=_scopes(details))
    return APIError(message, code=code, log_id=log_id, http_status=status)


def _is_rate_limit(status: int, code: int | None) -> bool:
    category = explain(code).category
    # A month's quota that is used up may come with 429 as well, but no wait within reason cures it.
    return category is Category.RATE_LIMIT or (status == 429 and category is not Category.CONFIGURATION)


def json_object(content: bytes, headers: Mapping[str, str] | None = None) -> dict[str, Any] | None:
    """The JSON object that a body is; None for anything else. One that is not in Unicode is read in the charset that `headers`, with
    lower-case names, say, or as `excerpt_of` does, as gateways write in the platform's place: what it says in ASCII, such as a
    token, is as good."""
    with contextlib.suppress(ValueError, RecursionError):
        try:
            body = json.loads(content)
        except UnicodeDecodeError:
            body = json.loads(_text(headers or {}, content))
        return body if isinstance(body, dict) else None
    return None


def _oauth_error(body: dict[str, Any]) -> str:
    """The `error` of RFC 6749. Other APIs use the same key for an object with details."""
    error = body.get("error")
    return text_of(error)


def reset_after(headers: Mapping[str, str]) -> float:
    """Seconds until the rate limit resets, as the gateway's own header or Retry-After says; else 1."""
    for name in ("x-ogw-ratelimit-reset", "retry-after"):
        if wait := retry_after(headers.get(name, "")):
            return min(wait, _LONGEST_WAIT)
    return 1.0


def rate_limit(headers: Mapping[str, str]) -> int | None:
    """How many calls the gateway allows in a window, where it says so."""
    value = headers.get("x-ogw-ratelimit-limit", "")
    return int(value) if value.isdecimal() and len(value) < 10 else None


def _scopes(details: dict[str, Any]) -> tuple[str, ...]:
    violations = details.get("permission_violations")
    if not isinstance(violations, list):
        return ()
    named = (item.get("subject") for item in violations if isinstance(item, dict))
    return tuple(subject for subject in named if isinstance(subject, str))
