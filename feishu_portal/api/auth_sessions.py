"""Asking users for authorization."""

import time
from datetime import datetime
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema, Status

from auth_sessions.domain.sessions import cancel_session, request_authorization, start_url
from auth_sessions.enums import OPEN_STATES, Deliver, SessionState
from auth_sessions.errors import AuthError
from auth_sessions.models import AuthSession
from feishu_portal.access.actors import Actor
from feishu_portal.access.models import ApiClient
from feishu_portal.access.scopes import Scope
from feishu_portal.api.keys import bot_for, caller
from feishu_portal.api.problems import Problem, not_found

router = Router()

MAX_WAIT = 25  # seconds; under the usual limit of proxies
POLL = 0.25  # seconds between looks while a caller waits


class SessionIn(Schema):
    open_id: Annotated[str, Field(min_length=1, max_length=128)]
    scopes: list[str] | None = None
    via: str = Field("auto", pattern="^(auto|browser)$")
    deliver: Deliver = Deliver.CARD
    return_url: Annotated[str, Field(max_length=500, pattern=r"^(https?://\S+)?$")] = ""


class SessionOut(Schema):
    id: UUID
    state: SessionState
    reason: str
    error_code: int | None
    authorize_url: str | None
    expires_at: datetime


def session_out(session: AuthSession) -> SessionOut:
    """A session as its caller sees it; the link only while it can be used."""
    return SessionOut(
        id=session.pk,
        state=SessionState(session.state),
        reason=session.reason,
        error_code=session.error_code,
        authorize_url=start_url(session) if session.is_open else None,
        expires_at=session.expires_at,
    )


@router.post(
    "/bots/{bot_id}/auth-sessions", response={201: SessionOut}, summary="Ask a user for authorization"
)
def create_session(request: HttpRequest, bot_id: str, data: SessionIn) -> Status[SessionOut]:
    client = caller(request, Scope.AUTH_CREATE)
    try:
        session = request_authorization(
            bot=bot_for(client, bot_id),
            open_id=data.open_id,
            scopes=data.scopes,
            deliver=data.deliver,
            return_url=data.return_url,
            actor=Actor.api(client),
        )
    except AuthError as error:
        raise Problem(409, error.code, str(error)) from error
    return Status(201, session_out(session))


@router.get("/auth-sessions/{session_id}", response=SessionOut, summary="How an authorization stands")
def get_session(
    request: HttpRequest, session_id: UUID, wait: Annotated[int, Query(ge=0, le=MAX_WAIT)] = 0
) -> SessionOut:
    """With ``wait`` the answer comes when the state changes, or after that many seconds."""
    client = caller(request, Scope.AUTH_CREATE)
    session = _own(client, session_id)
    seen, deadline = session.state, time.monotonic() + wait
    while session.state == seen and seen in OPEN_STATES and time.monotonic() < deadline:
        time.sleep(POLL)
        session.refresh_from_db(fields=["state", "reason", "error_code", "expires_at"])
    return session_out(session)


@router.delete(
    "/auth-sessions/{session_id}", response=SessionOut, summary="Withdraw an authorization request"
)
def delete_session(request: HttpRequest, session_id: UUID) -> SessionOut:
    """A session that has already ended stays as it is."""
    client = caller(request, Scope.AUTH_CREATE)
    session = _own(client, session_id)
    cancel_session(session, actor=Actor.api(client))
    return session_out(session)


def _own(client: ApiClient, session_id: UUID) -> AuthSession:
    """The session, if this client asked for it; its link is nobody else's business."""
    asked = AuthSession.objects.filter(requested_by=str(Actor.api(client)))
    session = asked.select_related("bot").filter(pk=session_id).first()
    if session is None or not client.may_use(session.bot.app_id):
        raise not_found("authorization session")
    return session
