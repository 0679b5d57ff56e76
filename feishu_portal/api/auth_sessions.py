"""Asking users for authorization."""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import urlsplit
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import transaction
from django.http import HttpRequest
from ninja import Field, Query, Router, Schema, Status
from pydantic import field_validator

from auth_sessions.domain.completion import fail_for_error
from auth_sessions.domain.device import claim_start, start_code
from auth_sessions.domain.directory import open_id_of
from auth_sessions.domain.sessions import authorize_link, cancel_session, request_authorization
from auth_sessions.domain.tokens.broker import find_grant
from auth_sessions.domain.tokens.one_of import choose_one
from auth_sessions.domain.tokens.scopes import ask_for_scopes
from auth_sessions.enums import OPEN_STATES, Deliver, SessionState, Via
from auth_sessions.errors import CANNOT_ASK, PersonUnknownError, TokenNotFoundError
from auth_sessions.log_facts import of_session
from auth_sessions.models import AuthSession
from bots.models import Bot
from core.access.actors import Actor
from core.access.models import ApiClient
from core.access.scopes import Scope
from core.background.limits import ConcurrencyLimits
from core.database.connections import give_back
from core.log_context import add_to_log
from core.vault.keyring import SealedValueError
from feishu.errors import FeishuError
from feishu.openapi import receive_id_type
from feishu.scopes import MAX_SCOPES, SCOPE_SYNTAX
from feishu_portal.api.keys import actor_of, bot_for, caller
from feishu_portal.api.long_poll import until
from feishu_portal.api.platform_errors import upstream_problem
from feishu_portal.api.problems import Problem, not_found, overloaded, secret_sealed

router = Router()

MAX_WAIT = 25  # seconds; under the usual limit of proxies
MAX_LOOKUPS = 32  # at once in one process; each holds a thread until the platform answers

_limits = ConcurrencyLimits()


ScopeName: TypeAlias = Annotated[str, Field(max_length=128, pattern=f"^{SCOPE_SYNTAX}$")]


class SessionIn(Schema):
    open_id: Annotated[
        str,
        Field(
            min_length=1,
            max_length=128,
            pattern=r"^[\x21-\x7e]+$",
            description="Of the person; or their union_id, user_id or e-mail address, told apart by their look.",
        ),
    ]
    tenant_key: Annotated[str, Field(max_length=64)] = ""
    scopes: Annotated[list[ScopeName], Field(min_length=1, max_length=MAX_SCOPES)] | None = None
    additional: bool = False
    one_of: Annotated[
        bool,
        Field(
            description="Any one of the scopes is enough, as of those in `Feishu-Portal-Missing-Scopes` where the platform says so: "
            "the person is asked for the one that the app is known to have, or else for the narrowest."
        ),
    ] = False
    why: Annotated[str, Field(max_length=200)] = ""
    via: Literal["auto", "browser", "device"] = "auto"
    deliver: Deliver = Deliver.CARD
    return_url: Annotated[str, Field(max_length=500, pattern=r"^(https?://\S+)?$")] = ""

    @field_validator("return_url")
    @classmethod
    def _with_a_host(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            is_whole = bool(parts.hostname) and parts.username is None and parts.port != 0
        except ValueError:
            is_whole = False
        if value and not is_whole:
            raise ValueError("return_url is an http or https address with a host and without a user.")
        return value


class SessionOut(Schema):
    id: UUID
    state: SessionState
    reason: str
    error_code: int | None
    via: Via
    authorize_url: str | None
    user_code: str | None
    expires_at: datetime


def session_out(session: AuthSession) -> SessionOut:
    """A session as its caller sees it; the link only while it can be used."""
    link = authorize_link(session)
    return SessionOut(
        id=session.pk,
        state=SessionState(session.state),
        reason=session.reason,
        error_code=session.error_code,
        via=Via(session.via),
        authorize_url=link or None,
        user_code=session.device.user_code if link and session.via == Via.DEVICE else None,
        expires_at=session.expires_at,
    )


@router.post(
    "/bots/{bot_id}/auth-sessions", response={201: SessionOut}, summary="Ask a user for authorization"
)
def create_session(request: HttpRequest, bot_id: str, data: SessionIn) -> Status[SessionOut]:
    """``via`` auto: the browser where the portal has a public address, else the device code. ``additional``: the scopes come
    on top of what the person has allowed, which stays if they decline; ``why`` stands on the card. Who is asked for them
    already is not asked a second time: the answer is your request that is open, or 409 ``asked_already`` where it is another
    system's. 409 ``asked_too_often``, ``nothing_lacking``. ``tenant_key`` is needed only where two tenants know the same
    person. Another id than the open_id, of somebody who has granted the bot nothing yet, is looked up at the platform; the app
    needs ``contact:user.id:readonly`` for an e-mail address, ``contact:contact.base:readonly`` for the others. 404
    ``person_not_found``."""
    client = caller(request, Scope.AUTH_CREATE)
    bot = bot_for(client, bot_id)
    open_id = data.open_id if data.additional else _open_id_of(client, bot, data)
    if data.one_of and data.scopes:
        data.scopes = [_one_of(client, bot, data.scopes)]
    try:
        with transaction.atomic():
            session = _ask(bot, data, open_id=open_id, actor=actor_of(request))
            starts_here = session.via == Via.DEVICE and claim_start(session)
    except CANNOT_ASK as error:
        raise Problem(409, error.code, str(error)) from error
    if starts_here:
        _start_code(session)
    return Status(201, session_out(session))


def _open_id_of(client: ApiClient, bot: Bot, data: SessionIn) -> str:
    """The bot's own name for the person. Raises Problem."""
    if receive_id_type(data.open_id) == "open_id":
        return data.open_id
    try:
        with _limits.fair_place(client.pk, bot.pk, limit=MAX_LOOKUPS, full=_full()):
            return open_id_of(bot=bot, person=data.open_id, tenant_key=data.tenant_key)
    except PersonUnknownError as error:
        raise Problem(404, "person_not_found", str(error)) from None
    except CANNOT_ASK as error:
        raise Problem(409, error.code, str(error)) from error
    except SealedValueError:
        raise secret_sealed() from None
    except FeishuError as error:
        raise upstream_problem(error) from error


def _one_of(client: ApiClient, bot: Bot, scopes: list[str]) -> str:
    """Raises Problem."""
    with _limits.fair_place(client.pk, bot.pk, limit=MAX_LOOKUPS, full=_full()):
        return choose_one(bot, scopes)


def _full() -> Problem:
    return overloaded("The platform is being asked too much at once.")


def _ask(bot: Bot, data: SessionIn, *, open_id: str, actor: Actor) -> AuthSession:
    how: dict[str, Any] = {
        "why": data.why,
        "via": None if data.via == "auto" else Via(data.via),
        "deliver": data.deliver,
        "return_url": data.return_url,
        "actor": actor,
    }
    if data.additional:
        return _ask_for_more(bot, data, how)
    return request_authorization(
        bot=bot, open_id=open_id, tenant_key=data.tenant_key, scopes=data.scopes, **how
    )


def _ask_for_more(bot: Bot, data: SessionIn, how: dict[str, Any]) -> AuthSession:
    try:
        grant = find_grant(bot=bot, person=data.open_id, tenant_key=data.tenant_key)
    except TokenNotFoundError:
        raise not_found("authorization") from None
    session = ask_for_scopes(grant=grant, scopes=data.scopes or bot.auth_scopes, **how)
    if session is None:
        raise Problem(409, "nothing_lacking", "The person has allowed all of these scopes already.")
    if not session.is_requested_by(how["actor"]):
        raise Problem(
            409,
            "asked_already",
            "Somebody else has asked the person for these scopes, and the request is open.",
            expires_at=session.expires_at.isoformat(),
        )
    return session


def _start_code(session: AuthSession) -> None:
    """Get the device code now, because the caller gets the link. Raises Problem."""
    try:
        start_code(session)
    except FeishuError as error:
        fail_for_error(session, error)
        raise Problem(
            502,
            "upstream_failed",
            f"The platform gave no device code: {error.message}",
            platform_code=error.code,
            log_id=error.log_id,
        ) from error


@router.get("/auth-sessions/{session_id}", response=SessionOut, summary="How an authorization stands")
async def get_session(
    request: HttpRequest, session_id: UUID, wait: Annotated[int, Query(ge=0, le=MAX_WAIT)] = 0
) -> SessionOut:
    """With ``wait`` the answer comes when the state changes, or after that many seconds."""
    client = caller(request, Scope.AUTH_CREATE)

    @sync_to_async
    def read() -> SessionOut:
        try:
            return session_out(_own(client, session_id))
        finally:
            give_back(before_waiting=True)

    first = await read()
    if not wait or first.state not in OPEN_STATES:
        return first
    return await until(read, lambda session: session.state != first.state, seconds=wait, client=client.pk)


@router.delete(
    "/auth-sessions/{session_id}", response=SessionOut, summary="Withdraw an authorization request"
)
def delete_session(request: HttpRequest, session_id: UUID) -> SessionOut:
    """A session that has already ended stays as it is."""
    client = caller(request, Scope.AUTH_CREATE)
    session = _own(client, session_id)
    cancel_session(session, actor=actor_of(request))
    return session_out(session)


def _own(client: ApiClient, session_id: UUID) -> AuthSession:
    """The session, if this client asked for it: its link is for nobody else. Raises Problem."""
    asked = AuthSession.objects.filter(client=client)
    session = asked.select_related("bot", "device").filter(pk=session_id).first()
    if session is None or not client.may_use(session.bot_id):
        raise not_found("authorization session")
    add_to_log(client=client.name, **of_session(session))
    return session
