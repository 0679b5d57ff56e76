"""Following the company's directory: people who leave, and people whose name changes."""

from auth_sessions.domain.revocation.service import revoke_later
from auth_sessions.enums import TokenStatus
from auth_sessions.models import UserToken
from bots.models import Bot
from core.access.actors import PLATFORM
from core.database.text import storable

MAX_NAME = 200


def end_grants_of(*, bot: Bot, tenant_key: str, open_id: str) -> int:
    """Revoke what a person granted this bot; returns how many grants that were. Harmless to repeat."""
    grants = UserToken.objects.filter(bot=bot, tenant_key=tenant_key, open_id=open_id)
    ended = list(grants.exclude(status=TokenStatus.REVOKED))
    for grant in ended:
        revoke_later(grant=grant, actor=PLATFORM)
    return len(ended)


def rename(*, bot: Bot, tenant_key: str, open_id: str, name: str) -> None:
    """Store a person's new name."""
    grants = UserToken.objects.filter(bot=bot, tenant_key=tenant_key, open_id=open_id)
    grants.update(name=storable(str(name), MAX_NAME))
