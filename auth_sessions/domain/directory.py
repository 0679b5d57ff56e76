"""The company's directory: whom an id names, and people who leave."""

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import QuerySet

from auth_sessions.domain.revocation.service import revoke_later
from auth_sessions.domain.tokens.broker import find_grant
from auth_sessions.enums import TokenStatus
from auth_sessions.errors import PersonUnknownError, TokenNotFoundError
from auth_sessions.models import UserToken
from bots.errors import BotDisabledError
from bots.models import Bot
from core.access.actors import PLATFORM
from core.database.connections import give_back
from core.database.text import storable
from feishu.directory import Directory
from feishu.openapi import OpenAPI, receive_id_type

MAX_ID = 200
LOOKUP_SECONDS = 5.0  # that the platform gets to say whom an id names; a request or a page waits for it
IDS: Final = ("open_id", "union_id", "user_id")
"""An app without the scope for one of them is told the others."""


def open_id_of(*, bot: Bot, person: str, tenant_key: str = "") -> str:
    """The open_id by which the bot knows a person, who is named by any id or e-mail address: from what the person granted,
    else from the platform. Call it outside a transaction.

    Raises PersonUnknownError, TenantNeededError, BotDisabledError, SealedValueError, FeishuError.
    """
    kind = receive_id_type(person)
    if kind == "open_id":
        return person
    if kind == "chat_id":
        raise PersonUnknownError
    try:
        return find_grant(bot=bot, person=person, tenant_key=tenant_key).open_id
    except TokenNotFoundError:
        pass
    if not bot.enabled:
        raise BotDisabledError
    directory = Directory(OpenAPI(bot.credentials), timeout=LOOKUP_SECONDS)
    give_back(before_waiting=True)
    open_id = directory.open_id_of(person)
    if not open_id:
        raise PersonUnknownError
    return open_id


def end_grants_of(*, bot: Bot, tenant_key: str, person: Mapping[str, Any]) -> int:
    """Revoke what a person granted this bot; returns how many grants that were. Harmless to repeat. ``person``: the ``object``
    of the directory's event."""
    ended = list(_grants_of(bot, tenant_key, person).exclude(status=TokenStatus.REVOKED))
    for grant in ended:
        revoke_later(grant=grant, actor=PLATFORM)
    return len(ended)


def _grants_of(bot: Bot, tenant_key: str, person: Mapping[str, Any]) -> QuerySet[UserToken]:
    """By the first of ``IDS`` that the event names."""
    grants = UserToken.objects.filter(bot=bot, tenant_key=tenant_key)
    for name in IDS:
        value = person.get(name)
        if isinstance(value, str) and value:
            return grants.filter(**{name: storable(value, MAX_ID)})
    return grants.none()
