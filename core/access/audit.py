"""Writing the audit log, from the function that does the deed and in its transaction."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol
from uuid import UUID

from django.core.exceptions import FieldDoesNotExist
from django.db.models import BooleanField, CharField, IntegerField, JSONField, Model, URLField

from core.access.actors import Actor
from core.access.models import AuditEntry

OPEN_FIELDS = (BooleanField, CharField, IntegerField, JSONField)
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


def changes(
    before: Model | None,
    after: Model,
    changed: Iterable[str],
    *,
    shown: Collection[str] = (),
    related: Mapping[str, tuple[Iterable[Any], Iterable[Any]]] | None = None,
) -> dict[str, Any]:
    """For the detail of an entry: the names of the fields that changed, and the values before and after of those that hold no
    secret and no address, which may carry one. ``shown``: fields whose values the entry has in another way. ``related``: of
    fields that lead to other rows, those before and after, which are kept by name."""
    named = {name: [sorted(map(str, rows)) for rows in pair] for name, pair in (related or {}).items()}
    values: dict[str, list[Any]] = {name: pair for name, pair in named.items() if pair[0] != pair[1]}
    names = sorted({*changed} - named.keys() | values.keys())
    for name in names if before is not None else ():
        if name in shown or not _is_open(after, name):
            continue  # and is not read: the key of a secret may be lost
        pair = [getattr(before, name, None), getattr(after, name, None)]
        if pair[0] != pair[1]:
            values[name] = pair
    return {"changed": names} | ({"values": values} if values else {})


def _is_open(row: Model, name: str) -> bool:
    try:
        field = row._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return isinstance(field, OPEN_FIELDS) and not isinstance(field, URLField) and "url" not in name


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
