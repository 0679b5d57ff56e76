"""What a caller is told when only the person can help."""

from typing import Any

from auth_sessions.domain.device import start_code_at_once
from auth_sessions.domain.sessions import authorize_link
from auth_sessions.domain.tokens.broker import request_reauthorization
from auth_sessions.domain.tokens.decision import Reauthorize
from auth_sessions.errors import CANNOT_ASK
from core.access.models import ApiClient
from feishu_portal.api.problems import Problem


def reauthorization_required(over: Reauthorize, *, client: ApiClient) -> Problem:
    """409 with a link for the person, for the caller to pass on. The portal sends no card by itself: whoever wants one asks
    for it, ``POST …/auth-sessions`` with ``"deliver": "card"``. The page behind the link speaks the browser's language."""
    facts: dict[str, Any] = {"reason": over.reason, "authorize_url": None, "session": None}
    try:
        session = request_reauthorization(over.grant, client=client)
    except CANNOT_ASK as error:
        facts["authorize_error"] = error.code
    else:
        if not start_code_at_once(session):
            facts["authorize_error"] = "upstream_failed"
        facts |= {
            "authorize_url": authorize_link(session) or None,
            "session": str(session.pk),
            "link_expires_at": session.expires_at.isoformat(),
        }
    return Problem(
        409,
        "reauthorization_required",
        "There is no usable access token, and none can be had before the person authorizes again.",
        **facts,
    )
