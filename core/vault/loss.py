"""Starting over where a key is lost: what no key opens is emptied, and everything else stays."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from django.db import models, transaction

from core.access import audit
from core.access.actors import Actor
from core.access.models import KeyCanary
from core.vault.canary import create_canary
from core.vault.keyring import SealedValueError, reseal
from core.vault.rotation import batches_of, encrypted_columns

Consequence: TypeAlias = Callable[[models.QuerySet[Any], str], object]
"""What else happens to rows that lose a secret, given with the name of its field; called in the same transaction, before it."""


def discard_unreadable(
    *,
    actor: Actor,
    consequences: Mapping[type[models.Model], Consequence],
    on_progress: Callable[[int], None] = lambda _count: None,
) -> Counter[str]:
    """Empty every stored secret that none of the ENCRYPTION_KEYS opens; how many of each field, e.g. ``bots.bot.app_secret``."""
    discarded: Counter[str] = Counter()
    for column in encrypted_columns():
        if column.model is KeyCanary:
            continue
        for batch in batches_of(column):
            lost = [pk for pk, ciphertext in batch if not _opens(ciphertext)]
            if lost:
                rows: models.QuerySet[Any] = models.QuerySet(column.model).filter(pk__in=lost)
                with transaction.atomic():
                    consequences.get(column.model, _nothing)(rows, column.name)
                    rows.update(**{column.attname: ""})
                discarded[f"{column.model._meta.label_lower}.{column.name}"] += len(lost)
            on_progress(len(batch))
    with transaction.atomic():
        KeyCanary.objects.all().delete()
        create_canary()
        audit.record(actor=actor, action="keys.unreadable_discarded", **dict[str, Any](discarded))
    return discarded


def _opens(ciphertext: str) -> bool:
    try:
        reseal(ciphertext)
    except SealedValueError:
        return False
    return True


def _nothing(_rows: models.QuerySet[Any], _field: str) -> None:
    pass
