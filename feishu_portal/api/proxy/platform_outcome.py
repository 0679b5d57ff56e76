"""What became of a call at the platform: read from the beginning of the answer's JSON, which then goes on untouched."""

import contextlib
import time
import zlib
from codecs import BOM_UTF8
from dataclasses import dataclass, field
from typing import Any

import msgspec

from feishu.codes import REJECTED_TENANT_TOKEN, REJECTED_USER_TOKEN, WRONG_KIND, Category, explain
from feishu.numbers import integer
from feishu.relay import Relayed
from feishu.responses import reset_after
from feishu.scopes import MAX_SCOPES, is_scope
from feishu.values import text_of

MAX_PEEKED = 64 * 1024  # bytes; an answer that says why it failed is shorter
PEEK_SECONDS = 2.0  # that an answer is held back; one that trickles is no refusal
MISSING_USER_SCOPE = 99991679

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Violation(msgspec.Struct):
    subject: str = ""


class _Details(msgspec.Struct):
    permission_violations: list[_Violation] = []


class _Envelope(msgspec.Struct):
    # Anything, because an odd text must not hide the code.
    code: Any = None
    msg: Any = None
    error: msgspec.Raw = msgspec.Raw(b"null")


@dataclass(frozen=True, slots=True)
class PlatformOutcome:
    """``code`` is None where the answer is no JSON object, or a long one; ``reset_after`` is in seconds, and None where no
    rate limit is reached."""

    status: int
    code: int | None = None
    message: str = ""
    missing_scopes: tuple[str, ...] = ()
    reset_after: float | None = None

    def rejects_token(self, *, of_user: bool) -> bool:
        """Whether another token of the same identity may help: the call itself was not made."""
        codes = REJECTED_USER_TOKEN if of_user else REJECTED_TENANT_TOKEN
        return self.code in codes and WRONG_KIND not in self.message


@dataclass(slots=True)
class PeekedAnswer:
    """An answer of which the beginning has been read."""

    relayed: Relayed
    outcome: PlatformOutcome
    beginning: list[bytes] = field(default_factory=list, repr=False)
    is_whole: bool = False


async def peek(relayed: Relayed) -> PeekedAnswer:
    """Read as much of the answer as its outcome may need. Raises TransportError."""
    peeked = PeekedAnswer(relayed, PlatformOutcome(relayed.status))
    content_type = relayed.headers.get("content-type", "").partition(";")[0].strip().lower()
    envelope = _Envelope()
    if content_type == "application/json":
        peeked.is_whole = await _read_beginning(relayed, peeked.beginning)
        if peeked.is_whole:
            encoding = relayed.headers.get("content-encoding", "").strip().lower()
            envelope = _envelope(_decoded(b"".join(peeked.beginning), encoding))
    code = integer(envelope.code)
    limited = relayed.status == 429 or explain(code).category is Category.RATE_LIMIT
    peeked.outcome = PlatformOutcome(
        status=relayed.status,
        code=code,
        message=text_of(envelope.msg),
        missing_scopes=_missing_scopes(envelope) if code == MISSING_USER_SCOPE else (),
        reset_after=reset_after(relayed.headers) if limited else None,
    )
    return peeked


async def _read_beginning(relayed: Relayed, beginning: list[bytes]) -> bool:
    """Read into ``beginning`` until the body ends, is too long or has had its time; whether it has ended."""
    size, gives_up_at = 0, time.monotonic() + PEEK_SECONDS
    with contextlib.suppress(TimeoutError):
        while size <= MAX_PEEKED:
            chunk = await relayed.next_chunk(patience=max(0.0, gives_up_at - time.monotonic()))
            if not chunk:
                return True
            beginning.append(chunk)
            size += len(chunk)
    return False


def _decoded(body: bytes, encoding: str) -> bytes:
    """The body as its JSON; empty where it is in an encoding that is not known here, or too long."""
    if encoding in {"", "identity"}:
        return body
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        return b""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)  # either header
    try:
        plain = unpacker.decompress(body, MAX_PEEKED)
    except zlib.error:
        return b""
    return plain if unpacker.eof else b""


def _envelope(body: bytes) -> _Envelope:
    try:
        return msgspec.json.decode(body.removeprefix(BOM_UTF8), type=_Envelope)
    except _UNREADABLE:
        return _Envelope()


def _missing_scopes(envelope: _Envelope) -> tuple[str, ...]:
    try:
        details = msgspec.json.decode(envelope.error, type=_Details)
    except _UNREADABLE:
        return ()
    named = [one.subject for one in details.permission_violations if is_scope(one.subject)]
    return tuple(named[:MAX_SCOPES])
