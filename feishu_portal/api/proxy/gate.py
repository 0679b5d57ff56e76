"""Calls that a rule asks about: read as far as rules go by it, and put to the person they are made for."""

from typing import Final

from core.access.actors import Actor
from core.access.call_contents import MAX_BODY, CallContents, header_of, read_contents
from feishu_portal.api.problems import Problem
from feishu_portal.api.proxy.headers import RawHeaders, to_platform
from feishu_portal.api.proxy.target import Target
from feishu_portal.api.proxy.upload import Upload, UploadStalled
from feishu_portal.approvals.asking import CallInQuestion, ask
from feishu_portal.approvals.errors import DeniedLatelyError, NotAskedError
from feishu_portal.approvals.models import CallApproval, StoredCall

POLL_SECONDS: Final = 5
"""After which who does not wait may ask again."""


async def contents_of(target: Target, headers: RawHeaders, upload: Upload) -> CallContents:
    """What the call says beside its path. Raises Problem."""
    written = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    try:
        body = await upload.whole(MAX_BODY)
    except UploadStalled:
        raise Problem(408, "upload_stalled", "The request's body did not come.", sent="no") from None
    return read_contents(
        target.query,
        body,
        content_type=header_of(written, "content-type"),
        encoding=header_of(written, "content-encoding"),
    )


async def call_to_store(target: Target, headers: RawHeaders, upload: Upload) -> StoredCall:
    """The call as it is sent once it is approved. Raises Problem."""
    body = await upload.whole(MAX_BODY)
    if body is None:
        detail = f"A call that a person has to approve has a body of {MAX_BODY // 1024} KB at most."
        raise Problem(413, "body_too_large", detail, sent="no")
    relayed = tuple((name.decode(), value.decode("latin-1")) for name, value in to_platform(headers))
    return StoredCall(target.path, target.query, relayed, body)


def put_question(question: CallInQuestion, *, call: StoredCall, address: str) -> Problem:
    """Ask the person; the answer for the caller, who waits for it elsewhere. Queries the database."""
    try:
        approval = ask(question, call=call, actor=Actor.api(question.client).at(address))
    except DeniedLatelyError as error:
        return Problem(403, error.code, "The person has denied this very call a moment ago.", sent="no")
    except NotAskedError as error:
        detail = "As many calls of this API client wait for the person as may. Wait until some are answered."
        headers = {"Retry-After": str(POLL_SECONDS)}
        return Problem(429, error.code, detail, sent="no", headers=headers)
    return pending(approval)


def pending(approval: CallApproval) -> Problem:
    """202: where the caller learns what becomes of the call."""
    url = f"/api/v1/approvals/{approval.pk}"
    return Problem(
        202,
        "approval_pending",
        "The person has been asked to approve this call. Once they have, it is carried out, once: "
        "wait for its result at url, and do not send it again.",
        approval=str(approval.pk),
        url=url,
        expires_at=approval.expires_at.isoformat(),
        headers={"Location": url, "Retry-After": str(POLL_SECONDS)},
    )
