"""Re-encrypting every secret with the key that writes, while everything runs.

A row is changed only if it still holds the ciphertext that was read, so a write at the same time wins. A value under the
new key is left alone, so an interrupted rotation goes on where it stopped.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field

from django.apps import apps
from django.db import models, transaction

from core.access import audit
from core.access.actors import Actor
from core.access.models import KeyCanary
from core.vault.fields import EncryptedField, Sealed, encrypted_fields
from core.vault.keyring import SealedValueError, reseal

BATCH = 500
"""Rows in one transaction."""


@dataclass(slots=True)
class RotationResult:
    """How many values there were of each kind.

    ``unchanged`` were under the first key already, ``overtaken`` were written by somebody else meanwhile. ``unreadable``
    names the values that no key opens, e.g. ``bots.bot.app_secret:0f3c…``.
    """

    rotated: int = 0
    unchanged: int = 0
    overtaken: int = 0
    unreadable: list[str] = field(default_factory=list)


def rotate_keys(
    *, actor: Actor, dry_run: bool = False, on_progress: Callable[[int], None] = lambda _count: None
) -> RotationResult:
    """Re-encrypt every stored secret. ``on_progress`` is called with the number of values of every batch.

    With unreadable values the canary stays under its old key, for it says that all others are done.
    """
    result = RotationResult()
    for column in encrypted_columns():
        if column.model is KeyCanary and result.unreadable:
            break
        for batch in batches_of(column):
            with transaction.atomic():
                for pk, ciphertext in batch:
                    _rotate_value(column, pk, ciphertext, result, dry_run=dry_run)
            on_progress(len(batch))
    if not dry_run:
        counts = asdict(result) | {"unreadable": len(result.unreadable)}
        audit.record(actor=actor, action="keys.rotated", **counts)
    return result


def encrypted_columns() -> list[EncryptedField]:
    """Every encrypted field of every model, the canary's last."""
    tables = [model for model in apps.get_models() if not model._meta.proxy]
    columns = [column for model in tables for column in encrypted_fields(model)]
    return sorted(columns, key=lambda column: (column.model is KeyCanary, column.model._meta.label_lower))


def count_values() -> int:
    """How many values all columns hold together; reads each table once."""
    return sum(_filled(column).count() for column in encrypted_columns())


def batches_of(column: EncryptedField) -> Iterator[list[tuple[object, str]]]:
    """Primary keys and ciphertext of the rows that hold a value, in the order of the key."""
    rows = _filled(column).order_by("pk").values_list("pk", column.attname)
    batch = list(rows[:BATCH])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1][0])[:BATCH])


def _rotate_value(
    column: EncryptedField, pk: object, ciphertext: str, result: RotationResult, *, dry_run: bool
) -> None:
    try:
        new = reseal(ciphertext)
    except SealedValueError:
        result.unreadable.append(f"{column.model._meta.label_lower}.{column.name}:{pk}")
        return
    if new == ciphertext:
        result.unchanged += 1
        return
    unchanged = _rows(column).filter(pk=pk, **{column.attname: Sealed(ciphertext)})
    if dry_run or unchanged.update(**{column.attname: Sealed(new)}):
        result.rotated += 1
    else:
        result.overtaken += 1


def _filled(column: EncryptedField) -> models.QuerySet[models.Model]:
    return _rows(column).exclude(**{column.attname: ""})


def _rows(column: EncryptedField) -> models.QuerySet[models.Model]:
    # Not by a manager, which may leave rows out.
    return models.QuerySet(column.model)
