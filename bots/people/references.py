"""Which people the portal still has to do with: a person to whom nothing refers any more is forgotten."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias

from django.db.models import Exists, OuterRef, QuerySet

from bots.models import BatchRecipient, Person, ReplyStream, Sending

Rows: TypeAlias = Callable[[], QuerySet[Any]]
"""Rows that refer to people, all of them."""

_referring: list[tuple[Rows, str]] = []


def keep_people_of(rows: Rows, *, open_id: str = "open_id") -> None:
    """As long as one of ``rows`` names a person, who that is stays known. The rows have a ``bot`` and a column ``open_id``;
    an index begins with both, or with the column."""
    _referring.append((rows, open_id))


def forgotten(before: datetime) -> QuerySet[Person]:
    """People of whom the platform was last heard before that, and to whom nothing refers."""
    people = Person.objects.filter(updated_at__lt=before)
    for rows, open_id in _referring:
        people = people.exclude(Exists(rows().filter(bot=OuterRef("bot"), **{open_id: OuterRef("open_id")})))
    return people.order_by("updated_at")


keep_people_of(Sending.objects.all, open_id="target")
keep_people_of(ReplyStream.objects.all, open_id="target")
keep_people_of(BatchRecipient.objects.all, open_id="target")
