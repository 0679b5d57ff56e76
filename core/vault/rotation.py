"""Re-encrypting every secret with the key that writes, while everything runs.

Which fields there are is found by looking at the models. A row is changed only if it still holds the ciphertext that was
read, so whoever writes at the same time wins; and what is under the new key already is left alone, so an interrupted
rotation goes on where it stopped.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.apps import apps
from django.db import models, transaction

from core.access import audit
from core.access.actors import Actor
from core.access.models import KeyCanary
from core.vault.fields import EncryptedField, Sealed, encrypted_fields
from core.vault.keyring import SealedValueError, reseal

STEP = 500  # rows in one transaction


@dataclass(slots=True)
class Tally:
    """What became of the values looked at. ``closed`` names values that no key opens, e.g. ``bots.bot.app_secret:0f3c…``."""

    current: int = 0
    rotated: int = 0
    overtaken: int = 0
    closed: list[str] = field(default_factory=list)


def sealed_columns() -> list[EncryptedField]:
    """Every encrypted field of every model; the canary's last, for it says that all others are done."""
    tables = [model for model in apps.get_models() if not model._meta.proxy]
    columns = [column for model in tables for column in encrypted_fields(model)]
    return sorted(columns, key=lambda column: (column.model is KeyCanary, column.model._meta.label_lower))


def count(column: EncryptedField) -> int:
    """How many values the column holds."""
    return _filled(column).count()


def rotate(column: EncryptedField, tally: Tally, *, dry_run: bool = False) -> Iterator[int]:
    """Re-encrypt the column step by step; yields after each step how many values it looked at."""
    last = None
    while True:
        rows = _filled(column).order_by("pk")
        if last is not None:
            rows = rows.filter(pk__gt=last)
        step = list(rows.values_list("pk", column.attname)[:STEP])
        if not step:
            return
        with transaction.atomic():
            for pk, old in step:
                _rotate_one(column, pk, old, tally, dry_run=dry_run)
        last = step[-1][0]
        yield len(step)


def _rotate_one(column: EncryptedField, pk: object, old: str, tally: Tally, *, dry_run: bool) -> None:
    try:
        new = reseal(old)
    except SealedValueError:
        tally.closed.append(f"{column.model._meta.label_lower}.{column.name}:{pk}")
        return
    if new == old:
        tally.current += 1
        return
    unchanged = _rows(column).filter(pk=pk, **{column.attname: Sealed(old)})
    if dry_run or unchanged.update(**{column.attname: Sealed(new)}):
        tally.rotated += 1
    else:
        tally.overtaken += 1


def record(tally: Tally, *, actor: Actor) -> None:
    """Note in the audit log that the keys were rotated."""
    audit.record(
        actor=actor,
        action="keys.rotated",
        rotated=tally.rotated,
        current=tally.current,
        overtaken=tally.overtaken,
        closed=len(tally.closed),
    )


def _filled(column: EncryptedField) -> models.QuerySet[models.Model]:
    return _rows(column).exclude(**{column.attname: ""})


def _rows(column: EncryptedField) -> models.QuerySet[models.Model]:
    return models.QuerySet(column.model)
