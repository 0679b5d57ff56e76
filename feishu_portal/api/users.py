"""Who authorized a bot, for what, and until when."""

import base64
import json
from datetime import datetime
from typing import Annotated

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest
from ninja import Query, Router, Schema

from auth_sessions.domain.tokens.broker import identified_by
from auth_sessions.domain.tokens.scopes import lacking
from auth_sessions.enums import TokenStatus
from auth_sessions.models import UserToken
from bots.models import Bot
from bots.people.directory import KnownPerson, names_of
from core.access.scopes import Scope
from feishu_portal.api.keys import bot_for, caller
from feishu_portal.api.paging import page_of
from feishu_portal.api.problems import Problem

router = Router()

MAX_LIMIT = 200
FOR_USERS = (Scope.TOKENS_ISSUE, Scope.TOKENS_REVOKE, Scope.PROXY_USER)
"""Clients that may act for people may see who they are."""


class UserOut(Schema):
    open_id: str
    union_id: str
    user_id: str
    email: str
    tenant_key: str
    name: str
    scopes: list[str]
    missing_scopes: list[str]
    status: TokenStatus
    generation: int
    authorized_at: datetime
    access_expires_at: datetime
    refresh_expires_at: datetime | None
    reauthorize_by: datetime


class UserPage(Schema):
    items: list[UserOut]
    next_cursor: str | None


@router.get("/{bot_id}/users", response=UserPage, summary="Who authorized the bot")
def list_users(
    request: HttpRequest,
    bot_id: str,
    *,
    status: TokenStatus | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50,
    cursor: Annotated[str, Query(max_length=1000)] = "",
    person: Annotated[
        str, Query(max_length=254, description="Only of this open_id, union_id, user_id or e-mail address.")
    ] = "",
) -> UserPage:
    """Ordered by tenant and open_id; ``cursor`` is the last answer's ``next_cursor``. Needs one of the scopes
    ``tokens:issue``, ``tokens:revoke`` and ``proxy:user``. Tokens are not part of it."""
    bot = bot_for(caller(request, *FOR_USERS), bot_id)
    grants = UserToken.objects.filter(bot=bot).defer("access_token", "refresh_token")
    if person:
        grants = grants.filter(identified_by(person))
    if status:
        grants = grants.filter(status=status)
    if cursor:
        tenant_key, open_id = _decode_cursor(cursor)
        grants = grants.filter(Q(tenant_key__gt=tenant_key) | Q(tenant_key=tenant_key, open_id__gt=open_id))
    page, last = page_of(grants.order_by("tenant_key", "open_id"), limit)
    return UserPage(items=_users_out(page, bot), next_cursor=_encode_cursor(last) if last else None)


def _users_out(grants: list[UserToken], bot: Bot) -> list[UserOut]:
    known = names_of((bot.pk, grant.open_id) for grant in grants)
    return [user_out(grant, bot=bot, known=known.get((bot.pk, grant.open_id))) for grant in grants]


def user_out(grant: UserToken, *, bot: Bot, known: KnownPerson | None) -> UserOut:
    """``missing_scopes``: what the bot asks everybody for and this person has not allowed. ``name``: empty where the platform
    did not say it."""
    columns = UserOut.model_fields.keys() - {"missing_scopes", "name"}
    return UserOut(
        missing_scopes=lacking(grant, bot.auth_scopes),
        name=known.called(settings.LANGUAGE_CODE) if known else "",
        **{column: getattr(grant, column) for column in columns},
    )


def _encode_cursor(grant: UserToken) -> str:
    return base64.urlsafe_b64encode(json.dumps([grant.tenant_key, grant.open_id]).encode()).decode()


def _decode_cursor(cursor: str) -> tuple[str, str]:
    try:
        tenant_key, open_id = (
            # Half of a surrogate pair is a text to JSON, and to no database.
            part.encode().decode()
            for part in json.loads(base64.urlsafe_b64decode(cursor))
        )
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise Problem(422, "invalid_request", "The cursor is not valid.") from None
    return tenant_key, open_id
