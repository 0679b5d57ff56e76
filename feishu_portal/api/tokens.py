"""Handing out users' access tokens, and ending grants."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema

from auth_sessions.domain.revocation.service import revoke
from auth_sessions.domain.tokens.broker import hand_out
from auth_sessions.domain.tokens.decision import SHORTEST_TTL, Reauthorize, Refresh, Use, decide
from auth_sessions.domain.tokens.refresh_wait import read_grant
from auth_sessions.domain.tokens.usage import request_refresh
from auth_sessions.enums import RevocationState
from auth_sessions.models import UserToken
from bots.errors import BotDisabledError
from core.access.actors import Actor
from core.access.models import ApiClient
from core.access.scopes import Scope
from core.database.connections import give_back
from core.vault.keyring import SealedValueError
from feishu_portal.api.grants import grant_of
from feishu_portal.api.keys import actor_of, bot_for, caller
from feishu_portal.api.problems import Problem
from feishu_portal.api.reauthorization import reauthorization_required
from feishu_portal.api.refresh_wait import await_refresh, no_token_yet

router = Router()

MAX_TTL = 3600  # seconds; half of the two hours that the platform's tokens last


class TokenIn(Schema):
    min_ttl: Annotated[int, Field(ge=0, le=MAX_TTL, description="Seconds the token has to last.")] = 120
    tenant_key: Annotated[
        str, Field(max_length=64, description="Only where two tenants know the same open_id.")
    ] = ""


class TokenOut(Schema):
    access_token: str
    token_type: str
    expires_at: datetime
    scopes: list[str]
    generation: int


class RevocationOut(Schema):
    """``destroyed``: the portal holds no token of the grant any more. ``revoked``: the platform knows as well; while it is
    ``pending``, the portal goes on telling it."""

    destroyed: bool
    revoked: bool
    state: RevocationState


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """Who asks for whose token."""

    client: ApiClient
    actor: Actor
    """The client, as the audit log says it."""
    bot_id: str
    person: str
    tenant_key: str


@dataclass(frozen=True, slots=True)
class Issued:
    grant: UserToken
    token: str = field(repr=False)


@router.post("/{bot_id}/users/{open_id}/token", response=TokenOut, summary="A user's access token")
async def issue_token(
    request: HttpRequest, response: HttpResponse, bot_id: str, open_id: str, data: TokenIn | None = None
) -> TokenOut:
    """``open_id``: or the person's union_id, user_id or e-mail address, as far as the bot knows it.

    Good for at least ``min_ttl`` seconds. Where the present one is not, a refresh is asked for and the answer waits for it,
    ten seconds at most; then 503 ``refresh_in_progress``, with Retry-After. 503 ``refresh_postponed`` at once where the platform gave no
    usable answer and the next attempt comes later: at ``retry_at``. 404 ``token_not_found``: this person has never
    authorized the bot. 409 ``reauthorization_required``: send the person to ``authorize_url``. The refresh token never leaves."""
    data = data or TokenIn()
    client = caller(request, Scope.TOKENS_ISSUE)
    asked, min_ttl = (
        TokenRequest(client, actor_of(request), bot_id, open_id, data.tenant_key),
        timedelta(seconds=data.min_ttl),
    )
    issue = sync_to_async(_issue)
    result = await issue(asked, min_ttl=min_ttl)
    if isinstance(result, Refresh):
        grant = result.grant
        if result.postponed_until is not None:
            raise no_token_yet(grant, result.postponed_until)
        newer = await await_refresh(grant, partial(sync_to_async(_read), grant.pk), client=client.pk)
        # What a refresh brought is served even if the platform's tokens do not last as long as was asked for.
        is_fresh = newer is not None and newer.generation != grant.generation
        result = await issue(asked, min_ttl=SHORTEST_TTL if is_fresh else min_ttl)
        if isinstance(result, Refresh):
            raise no_token_yet(result.grant, result.postponed_until)
    response["Cache-Control"] = "no-store"
    return TokenOut(
        access_token=result.token,
        token_type="Bearer",  # noqa: S106 -- a kind of token
        expires_at=result.grant.access_expires_at,
        scopes=result.grant.scopes,
        generation=result.grant.generation,
    )


@router.delete(
    "/{bot_id}/users/{open_id}/token", response=RevocationOut, summary="End a user's authorization"
)
def revoke_token(
    request: HttpRequest, bot_id: str, open_id: str, tenant_key: Annotated[str, Query(max_length=64)] = ""
) -> RevocationOut:
    """Destroys the tokens here and revokes them at the platform, which gets five seconds to answer."""
    client = caller(request, Scope.TOKENS_REVOKE)
    grant = grant_of(bot=bot_for(client, bot_id), person=open_id, tenant_key=tenant_key, client=client)
    state = RevocationState(revoke(grant=grant, actor=actor_of(request)).state)
    return RevocationOut(destroyed=True, revoked=state == RevocationState.DONE, state=state)


def _issue(asked: TokenRequest, *, min_ttl: timedelta) -> Issued | Refresh:
    """The token; or that a refresh has to be waited for, which is asked for here. Lets go of the database, for waiting takes
    long. Raises Problem."""
    try:
        bot = bot_for(asked.client, asked.bot_id)
        grant = grant_of(bot=bot, person=asked.person, tenant_key=asked.tenant_key, client=asked.client)
        match decide(grant, min_ttl=min_ttl):
            case Use():
                return Issued(grant, hand_out(grant, client=asked.client))
            case Refresh() as refresh:
                request_refresh(grant)
                return refresh
            case Reauthorize() as over:
                raise reauthorization_required(over, actor=asked.actor)
    except BotDisabledError as error:
        raise Problem(409, error.code, str(error)) from None
    except SealedValueError:
        raise Problem(503, "token_sealed", "None of the portal's ENCRYPTION_KEYS opens this token.") from None
    finally:
        give_back(before_waiting=True)


def _read(grant_id: UUID) -> UserToken | None:
    try:
        return read_grant(grant_id)
    finally:
        give_back(before_waiting=True)
