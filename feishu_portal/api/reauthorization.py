"""The answer to a caller where the person has to authorize again."""

from typing import Any

from auth_sessions.domain.device import start_code_at_once
from auth_sessions.domain.sessions import authorize_link
from auth_sessions.domain.tokens.broker import request_reauthorization
from auth_sessions.domain.tokens.decision import Reauthorize
from auth_sessions.errors import CANNOT_ASK
from core.access.actors import Actor
from feishu_portal.api.problems import Problem


def reauthorization_required(over: Reauthorize, *, actor: Actor) -> Problem:
    """409 with a link for the caller to pass on to the person. The portal sends no card here: for one the caller asks by
    ``POST …/auth-sessions`` with ``"deliver": "card"``. The linked page is in the browser's language."""
    facts: dict[str, Any] = {"reason": over.reason, "authorize_url": None, "session": None}
    try:
        session = request_reauthorization(over.grant, actor=actor)
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
