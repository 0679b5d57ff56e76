"""Which bot has which App ID and name, and who its people are, where this package names them; the app that knows bots registers
its answers.

What belongs to a bot is kept by the bot's primary key: an App ID may come to be another bot's.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from core.access.models import User

PersonRef: TypeAlias = tuple[UUID, str]
"""A bot's primary key, and the open_id by which that bot knows a person."""


@dataclass(frozen=True, slots=True)
class BotDirectory:
    """Each answer leaves out what there is nothing for."""

    app_ids_of: Callable[[Collection[UUID]], dict[UUID, str]]
    names_of: Callable[[Collection[UUID]], dict[UUID, str]]
    """The names of bots."""
    people_of: Callable[[Collection[PersonRef]], dict[PersonRef, str]]
    """The names of people, in the active language."""
    visible_to: Callable[["User"], "QuerySet[Any]"]
    """The bots that an operator sees, by name."""


_registered: list[BotDirectory] = []


def register(directory: BotDirectory) -> None:
    _registered[:] = [directory]


def app_ids_of(ids: Collection[UUID]) -> dict[UUID, str]:
    """The App IDs of the bots with these primary keys."""
    return _registered[0].app_ids_of(ids)


def names_of(ids: Collection[UUID]) -> dict[UUID, str]:
    """The names of the bots with these primary keys."""
    return _registered[0].names_of(ids) if ids else {}


def people_of(people: Collection[PersonRef]) -> dict[PersonRef, str]:
    """The names of these people, as far as the platform said them."""
    return _registered[0].people_of(people) if people else {}


def visible_to(user: "User") -> "QuerySet[Any]":
    """The bots that the operator sees, by name, with primary key, App ID and name alone."""
    return _registered[0].visible_to(user)
