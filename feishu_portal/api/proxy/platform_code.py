"""What an answer says, as far as the proxy has to know: read from the beginning of its JSON, which then goes on untouched."""

from dataclasses import dataclass, field

import msgspec

from feishu.codes import REJECTED_TENANT_TOKEN, REJECTED_USER_TOKEN, WRONG_KIND, Category, explain
from feishu.relay import Relayed
from feishu.responses import reset_after

PEEK = 64 * 1024  # bytes; an answer that says why it failed is shorter
MISSING_USER_SCOPE = 99991679


class _Violation(msgspec.Struct):
    subject: str = ""


class _Details(msgspec.Struct):
    permission_violations: list[_Violation] = []


class _Said(msgspec.Struct):
    code: int | None = None
    msg: str = ""
    error: msgspec.Raw = msgspec.Raw(b"null")


@dataclass(frozen=True, slots=True)
class Verdict:
    """``code`` is None where the answer is no JSON object, or a long one."""

    status: int
    code: int | None = None
    message: str = ""
    scopes: tuple[str, ...] = ()
    reset_after: float | None = None

    def rejects_token(self, *, of_user: bool) -> bool:
        """Whether another token of the same identity may help: the call itself was not made."""
        codes = REJECTED_USER_TOKEN if of_user else REJECTED_TENANT_TOKEN
        return self.code in codes and WRONG_KIND not in self.message


@dataclass(slots=True)
class Peeked:
    """An answer of which the beginning has been read."""

    relayed: Relayed
    verdict: Verdict
    beginning: list[bytes] = field(default_factory=list, repr=False)
    is_whole: bool = False


async def peek(relayed: Relayed) -> Peeked:
    """Read as much of the answer as may be needed to know what it says. Raises TransportError."""
    peeked = Peeked(relayed, Verdict(relayed.status))
    content_type = relayed.headers.get("content-type", "").partition(";")[0].strip().lower()
    said = _Said()
    if content_type == "application/json" and "content-encoding" not in relayed.headers:
        size = 0
        peeked.is_whole = True
        async for chunk in relayed.chunks():
            peeked.beginning.append(chunk)
            size += len(chunk)
            if size > PEEK:
                peeked.is_whole = False
                break
        if peeked.is_whole:
            said = _said(b"".join(peeked.beginning))
    limited = relayed.status == 429 or explain(said.code).category is Category.RATE_LIMIT
    peeked.verdict = Verdict(
        status=relayed.status,
        code=said.code,
        message=said.msg,
        scopes=_scopes(said) if said.code == MISSING_USER_SCOPE else (),
        reset_after=reset_after(relayed.headers) if limited else None,
    )
    return peeked


def _said(body: bytes) -> _Said:
    try:
        return msgspec.json.decode(body, type=_Said)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Said()


def _scopes(said: _Said) -> tuple[str, ...]:
    try:
        details = msgspec.json.decode(said.error, type=_Details)
    except msgspec.DecodeError:
        return ()
    return tuple(one.subject for one in details.permission_violations if one.subject)
