"""Writing the audit log, from the function that does the deed and in its transaction."""

from collections.abc import Iterable
from typing import Any, Protocol
from uuid import UUID

from core.access.actors import Actor
from core.access.models import AuditEntry

MAX_TARGET = 200
"""Characters of a target that are kept."""


class Bot(Protocol):
    """The bot that something is done to; this package does not know its model."""

    pk: UUID
    app_id: str


def record(
    *, actor: Actor, action: str, bot: Bot | None = None, target: object = "", **detail: Any
) -> AuditEntry:
    """Add one entry; ``action`` reads like ``bot.updated``, ``detail`` holds no secret."""
    entry = _entry(actor, action, bot, target, detail)
    entry.save(force_insert=True)
    return entry


def record_each(targets: Iterable[tuple[Bot, object]], *, actor: Actor, action: str, **detail: Any) -> None:
    """Add an entry for each bot and target of the same action."""
    AuditEntry.objects.bulk_create(_entry(actor, action, bot, target, detail) for bot, target in targets)


def _entry(actor: Actor, action: str, bot: Bot | None, target: object, detail: dict[str, Any]) -> AuditEntry:
    return AuditEntry(
        actor=str(actor),
        operator_id=actor.operator_id,
        client_id=actor.client_id,
        address=actor.address,
        action=action,
        bot_id=bot.pk if bot else None,
        app_id=bot.app_id if bot else "",
        target=str(target)[:MAX_TARGET],
        detail=detail,
    )
