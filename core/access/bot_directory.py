"""Which bot has which App ID, where people name bots to this package; the app that knows bots registers its answers.

What belongs to a bot is kept by the bot's primary key: an App ID may come to be another bot's.
"""

from collections.abc import Callable, Collection
from uuid import UUID

IdsOf = Callable[[Collection[str]], dict[str, UUID]]
AppIdsOf = Callable[[Collection[UUID]], dict[UUID, str]]

_registered: list[tuple[IdsOf, AppIdsOf]] = []


def register(*, ids_of: IdsOf, app_ids_of: AppIdsOf) -> None:
    """Both leave out what there is no bot for."""
    _registered[:] = [(ids_of, app_ids_of)]


def ids_of(app_ids: Collection[str]) -> dict[str, UUID]:
    """The primary keys of the bots with these App IDs."""
    [(find, _)] = _registered
    return find(app_ids)


def app_ids_of(ids: Collection[UUID]) -> dict[UUID, str]:
    """The App IDs of the bots with these primary keys."""
    [(_, find)] = _registered
    return find(ids)
