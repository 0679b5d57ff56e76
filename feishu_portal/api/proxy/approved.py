"""An approved call, sent by a worker as the proxy sends any: by the client's rules and the person's grant as they are now."""

import asyncio
import json
import logging
from typing import Final
from urllib.parse import unquote
from uuid import UUID

from starlette.types import Message

from core.access.call_contents import header_of, read_contents
from core.database.connections import give_back
from core.log_context import log_context
from core.vault.keyring import SealedValueError
from feishu.numbers import integer
from feishu_portal.api.problems import Problem
from feishu_portal.api.proxy.admission import CallRequest
from feishu_portal.api.proxy.call import ProxyCall
from feishu_portal.api.proxy.server import ProxyServer
from feishu_portal.api.proxy.target import Target
from feishu_portal.api.proxy.upload import Upload
from feishu_portal.approvals.carrying_out import CallOutcome, claim, finish
from feishu_portal.approvals.models import CallApproval, StoredAnswer, StoredCall

logger = logging.getLogger(__name__)

SECONDS: Final = 90.0
"""Of an attempt; the sweep takes a longer one for interrupted."""
MAX_ANSWER: Final = 1024 * 1024
"""Bytes of an answer that is kept."""
_TRANSIENT: Final = frozenset(
    {
        "database_away",
        "overloaded",
        "rate_limited",
        "refresh_in_progress",
        "refresh_postponed",
        "upstream_failed",
    }
)


def send_approved(approval_pk: UUID) -> None:
    """Send the call, if it is to be sent now and nobody else does, and write down what became of it."""
    approval = claim(approval_pk)
    if approval is None:
        return
    give_back(before_waiting=True)
    with log_context(app_id=approval.bot.app_id, approval=str(approval.pk)):
        try:
            outcome = asyncio.run(_send(approval, approval.stored_call))
        except SealedValueError:
            outcome = CallOutcome(problem="token_sealed", is_sent=False)
        except Exception:
            logger.exception("approved_call_failed")
            outcome = CallOutcome(problem="internal_error")
    finish(approval, outcome)


async def _send(approval: CallApproval, call: StoredCall) -> CallOutcome:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in call.headers]
    request = CallRequest(
        key="",
        target=Target(
            approval.bot.app_id, approval.open_id, approval.method, _segments(call.path), call.query
        ),
        tenant_key=approval.tenant_key,
        contents=read_contents(
            call.query,
            call.body,
            content_type=header_of(call.headers, "content-type"),
            encoding=header_of(call.headers, "content-encoding"),
        ),
        approval=approval,
        agent=approval.agent,
    )
    answer = _Collected()
    upload = Upload(_Receive(call.body), [(b"content-length", b"%d" % len(call.body))])
    is_sent = False
    try:
        async with ProxyServer() as server, asyncio.timeout(SECONDS):
            admitted = await server.admit(request)
            is_sent = True
            await ProxyCall(server, request, admitted, headers=headers, upload=upload, send=answer.send).run()
    except Problem as problem:
        is_sent = is_sent and problem.extra.get("sent") != "no"
        return CallOutcome(problem=problem.code, is_sent=is_sent, may_retry=problem.code in _TRANSIENT)
    except TimeoutError:
        return CallOutcome(problem="upstream_failed", is_sent=is_sent, may_retry=True)
    return answer.outcome


def _segments(path: str) -> tuple[str, ...]:
    return tuple(unquote(segment) for segment in path.split("/")[1:])


class _Receive:
    """The body, and then nothing more."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __call__(self) -> Message:
        return {"type": "http.request", "body": self._body, "more_body": False}


class _Collected:
    """The platform's answer, as far as it is kept."""

    def __init__(self) -> None:
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._is_long = False
        self._is_whole = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
            return
        self._is_whole = not message.get("more_body", False)
        self._is_long = self._is_long or len(self._body) + len(message["body"]) > MAX_ANSWER
        if not self._is_long:
            self._body += message["body"]

    @property
    def outcome(self) -> CallOutcome:
        body = bytes(self._body) if self._is_whole and not self._is_long else None
        return CallOutcome(
            status=self._status,
            code=_code(body),
            log_id=self._headers.get("x-tt-logid", ""),
            answer=StoredAnswer(self._headers.get("content-type", ""), body),
        )


def _code(body: bytes | None) -> int | None:
    """The platform's, where the answer has one."""
    try:
        said = json.loads(body or b"null")
    except (ValueError, RecursionError):
        return None
    return integer(said.get("code")) if isinstance(said, dict) else None
