"""Writing what webhooks count: requests that a secret proved while it is rotated, and requests that were refused.

However many requests come, each process brings one note for each bot and secret or reason, so a stranger's flood writes
one row, now and then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db import models, transaction
from django.db.models import F

from bots.enums import WebhookSecret
from bots.models import Bot, RefusedPush, SecretUse

SERIES: Final = timedelta(days=1)
"""After so long without another refusal for the same reason, the count begins again."""

N = TypeVar("N", "SecretUses", "Refusals")


@dataclass(frozen=True, slots=True)
class SecretUses:
    """Requests that a secret of a bot proved. ``ends_at``, the end of the rotation, tells which next secret is meant."""

    bot_id: UUID
    secret: WebhookSecret
    is_next: bool
    ends_at: datetime
    first_at: datetime
    last_at: datetime
    requests: int = 1

    @property
    def key(self) -> tuple[str, str, bool, datetime]:
        return (str(self.bot_id), self.secret.value, self.is_next, self.ends_at)


@dataclass(frozen=True, slots=True)
class Refusals:
    """Requests to a bot's webhook that were refused for one reason."""

    bot_id: UUID
    reason: str
    first_at: datetime
    last_at: datetime
    requests: int = 1

    @property
    def key(self) -> tuple[str, str]:
        return (str(self.bot_id), self.reason)


def together(older: N, newer: N) -> N:
    """Two notes of the same key as one."""
    return replace(older, last_at=newer.last_at, requests=older.requests + newer.requests)


@transaction.atomic
def write_secret_uses(notes: Sequence[SecretUses]) -> None:
    """Add them, but for those of a rotation that is over."""
    ends = dict(
        Bot.objects.filter(pk__in={note.bot_id for note in notes}).values_list("pk", "rotation_ends_at")
    )
    for note in _in_order(note for note in notes if ends.get(note.bot_id) == note.ends_at):
        row = {"bot_id": note.bot_id, "secret": note.secret.value, "is_next": note.is_next}
        _add(SecretUse, row, note, since=None)


@transaction.atomic
def write_refusals(notes: Sequence[Refusals]) -> None:
    """Add them, but for those of bots that have been deleted meanwhile."""
    known = set(Bot.objects.filter(pk__in={note.bot_id for note in notes}).values_list("pk", flat=True))
    for note in _in_order(note for note in notes if note.bot_id in known):
        _add(RefusedPush, {"bot_id": note.bot_id, "reason": note.reason}, note, since=note.first_at - SERIES)


def _in_order(notes: Iterable[N]) -> list[N]:
    """In one order in every process: else two that write the same rows could wait for each other."""
    return sorted(notes, key=attrgetter("key"))


def _add(
    model: type[models.Model], key: dict[str, Any], note: SecretUses | Refusals, *, since: datetime | None
) -> None:
    """Add to the row with this key; a row that is older than ``since``, or new, counts from here."""
    rows = model._default_manager.filter(**key)
    counted = rows if since is None else rows.filter(last_at__gte=since)
    if counted.update(requests=F("requests") + note.requests, last_at=note.last_at):
        return
    begin = {"requests": note.requests, "first_at": note.first_at, "last_at": note.last_at}
    model._default_manager.update_or_create(defaults=begin, **key)
