"""Which bot has which App ID."""

from collections.abc import Collection
from uuid import UUID

from bots.models import Bot


def ids_of(app_ids: Collection[str]) -> dict[str, UUID]:
    """The primary keys of the bots with these App IDs; App IDs of no bot are left out."""
    return dict(Bot.objects.filter(app_id__in=app_ids).values_list("app_id", "pk"))


def app_ids_of(ids: Collection[UUID]) -> dict[UUID, str]:
    """The App IDs of the bots with these primary keys; bots that are gone are left out."""
    return dict(Bot.objects.filter(pk__in=ids).values_list("pk", "app_id"))
