"""Writing the audit log, from the function that does the deed and in its transaction."""

from typing import Any

from feishu_portal.access.actors import Actor
from feishu_portal.access.models import AuditEntry


def record(*, actor: Actor, action: str, app_id: str = "", target: object = "", **detail: Any) -> AuditEntry:
    """Add one entry; ``action`` reads like ``bot.updated``, ``detail`` holds no secret."""
    return AuditEntry.objects.create(
        actor=str(actor)[:200], action=action, app_id=app_id, target=str(target)[:200], detail=detail
    )
