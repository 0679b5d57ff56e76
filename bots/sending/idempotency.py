"""Requests under an ``Idempotency-Key``: each is one row, by which a repetition is known for a day."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from django.db import IntegrityError, transaction
from django.utils import timezone

from bots.errors import KeyReusedError, SendingUnderWayError
from bots.models import MessageBatch, ReplyStream, Sending

if TYPE_CHECKING:
    from django.db.models import QuerySet

R = TypeVar("R", Sending, MessageBatch, ReplyStream)

KEY_LIFE: Final = timedelta(hours=24)


def key_hash(key: str, *of: object) -> str | None:
    """What is stored of a key; None without one. ``of``: whose it is, where the row's other columns do not say."""
    return hashlib.sha256("\n".join([*map(str, of), key]).encode()).hexdigest() if key else None


def earlier(
    rows: "QuerySet[R]", *, fingerprint: str, began: str = "at", life: timedelta | None = KEY_LIFE
) -> R | None:
    """The row of the same request, among those with its key. ``life`` after it ``began``, a column, the key is free again.
    Raises KeyReusedError where the key came with another request."""
    if life is not None:
        rows.filter(**{f"{began}__lt": timezone.now() - life}).update(key_hash=None)
    found = rows.first()
    if found is not None and found.fingerprint != fingerprint:
        raise KeyReusedError
    return found


@contextmanager
def once() -> Iterator[None]:
    """A transaction that writes the row of a request. Raises SendingUnderWayError where the same one came twice at the same
    moment."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError:
        raise SendingUnderWayError(1) from None
