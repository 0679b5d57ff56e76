"""How calls stand that wait for a person's approval, and what the platform answered once they were approved."""

import base64
import json
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from ninja import Query, Router, Schema

from core.access.models import ApiClient
from core.access.scopes import Scope
from core.database.connections import give_back
from core.log_context import add_to_log
from core.vault.keyring import SealedValueError
from feishu_portal.api.keys import caller
from feishu_portal.api.long_poll import until
from feishu_portal.api.problems import Problem, not_found
from feishu_portal.approvals.enums import OPEN_STATES, ApprovalState, Approved
from feishu_portal.approvals.models import CallApproval

router = Router()

MAX_WAIT = 25  # seconds; under the usual limit of proxies


class CallAnswerOut(Schema):
    """``body`` is the JSON that the platform answered; what is no JSON stands in ``body_base64``. Both are null for an answer
    that was too long to be kept, or came more than an hour ago."""

    status: int
    platform_code: int | None
    log_id: str
    content_type: str
    body: Any
    body_base64: str | None


class ApprovalOut(Schema):
    id: UUID
    state: ApprovalState
    method: str
    path: str
    open_id: str
    asked_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    approved: Approved | None
    covers_until: datetime | None
    finished_at: datetime | None
    problem: str
    answer: CallAnswerOut | None


def approval_out(approval: CallApproval) -> ApprovalOut:
    """An approval as its caller sees it. Raises Problem."""
    late = approval.state == ApprovalState.ASKED and not approval.is_asked
    return ApprovalOut(
        id=approval.pk,
        state=ApprovalState.EXPIRED if late else ApprovalState(approval.state),
        method=approval.method,
        path=approval.path,
        open_id=approval.open_id,
        asked_at=approval.asked_at,
        expires_at=approval.expires_at,
        decided_at=approval.decided_at,
        approved=Approved(approval.approved) if approval.approved else None,
        covers_until=approval.covers_until,
        finished_at=approval.finished_at,
        problem=approval.problem,
        answer=None if approval.status is None else _answer_out(approval, approval.status),
    )


@router.get(
    "/approvals/{approval_id}", response=ApprovalOut, summary="How a call stands that waits for approval"
)
async def get_approval(
    request: HttpRequest, approval_id: UUID, wait: Annotated[int, Query(ge=0, le=MAX_WAIT)] = 0
) -> ApprovalOut:
    """With ``wait`` the answer comes when the state changes, or after that many seconds. ``done``: the platform answered,
    see ``answer``; ``failed``: the call was never sent, see ``problem``; ``uncertain``: whether it was carried out is not
    known, and it is not sent again."""
    client = caller(request, Scope.PROXY_USER)

    @sync_to_async
    def read() -> ApprovalOut:
        try:
            return approval_out(_own(client, approval_id))
        finally:
            give_back(before_waiting=True)

    first = await read()
    if not wait or first.state not in OPEN_STATES:
        return first
    return await until(read, lambda now: now.state != first.state, seconds=wait, client=client.pk)


def _own(client: ApiClient, approval_id: UUID) -> CallApproval:
    """The approval, if it is of a call of this client. Raises Problem."""
    approval = CallApproval.objects.filter(client=client, pk=approval_id).select_related("bot").first()
    if approval is None or not client.may_use(approval.bot_id):
        raise not_found("approval")
    add_to_log(client=client.name, app_id=approval.bot.app_id)
    return approval


def _answer_out(approval: CallApproval, status: int) -> CallAnswerOut:
    try:
        answer = approval.stored_answer
    except SealedValueError:
        detail = "None of the portal's ENCRYPTION_KEYS opens this answer."
        raise Problem(503, "token_sealed", detail) from None
    body, is_json = _parsed(answer.body if answer else None)
    raw = None if is_json or answer is None or answer.body is None else answer.body
    return CallAnswerOut(
        status=status,
        platform_code=approval.code,
        log_id=approval.log_id,
        content_type=answer.content_type if answer else "",
        body=body,
        body_base64=None if raw is None else base64.b64encode(raw).decode(),
    )


def _parsed(body: bytes | None) -> tuple[Any, bool]:
    try:
        return json.loads(body or b""), True
    except (ValueError, RecursionError):
        return None, False
