"""Following the company's directory: people who leave, and people whose name changes."""

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import QuerySet

from auth_sessions.domain.revocation.service import revoke_later
from auth_sessions.enums import TokenStatus
from auth_sessions.models import UserToken
from bots.models import Bot
from core.access.actors import PLATFORM
from core.database.text import storable

MAX_NAME = 200
IDS: Final = ("open_id", "union_id", "user_id")
"""An app without the scope for one of them is told the others."""


def end_grants_of(*, bot: Bot, tenant_key: str, person: Mapping[str, Any]) -> int:
    """Revoke what a person granted this bot; returns how many grants that were. Harmless to repeat. ``person``: the ``object``
    of the directory's event."""
    ended = list(_grants_of(bot, tenant_key, person).exclude(status=TokenStatus.REVOKED))
    for grant in ended:
        revoke_later(grant=grant, actor=PLATFORM)
    return len(ended)


def rename(*, bot: Bot, tenant_key: str, person: Mapping[str, Any]) -> None:
    """Store a person's new name."""
    _grants_of(bot, tenant_key, person).update(name=storable(str(person["name"]), MAX_NAME))


def _grants_of(bot: Bot, tenant_key: str, person: Mapping[str, Any]) -> QuerySet[UserToken]:
    """By the first of ``IDS`` that the event names."""
    grants = UserToken.objects.filter(bot=bot, tenant_key=tenant_key)
    for name in IDS:
        value = person.get(name)
        if isinstance(value, str) and value:
            return grants.filter(**{name: storable(value, MAX_NAME)})
    return grants.none()
