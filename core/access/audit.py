"""Writing the audit log, from the function that does the deed and in its transaction."""

from collections.abc import Iterable
from typing import Any

from core.access.actors import Actor
from core.access.models import AuditEntry


def record(*, actor: Actor, action: str, app_id: str = "", target: object = "", **detail: Any) -> AuditEntry:
    """Add one entry; ``action`` reads like ``bot.updated``, ``detail`` holds no secret."""
    return AuditEntry.objects.create(**_entry(actor, action, app_id, target, detail))


def record_each(targets: Iterable[tuple[str, object]], *, actor: Actor, action: str, **detail: Any) -> None:
    """Add an entry for each ``(app_id, target)`` that the same was done to."""
    AuditEntry.objects.bulk_create(
        AuditEntry(**_entry(actor, action, app_id, target, detail)) for app_id, target in targets
    )


def _entry(actor: Actor, action: str, app_id: str, target: object, detail: dict[str, Any]) -> dict[str, Any]:
    return {
        "actor": str(actor)[:200],
        "action": action,
        "app_id": app_id,
        "target": str(target)[:200],
        "detail": detail,
    }
