"""Which bot has which App ID and name, and who its people are, for ``core.access.bot_directory``."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import get_language

from bots.models import Bot
from bots.people import directory as people
from core.access.bot_directory import BotDirectory, PersonRef
from core.access.models import User


def app_ids_of(ids: Collection[UUID]) -> dict[UUID, str]:
    """The App IDs of the bots with these primary keys; bots that are gone are left out."""
    return dict(Bot.objects.filter(pk__in=ids).values_list("pk", "app_id"))


def names_of(ids: Collection[UUID]) -> dict[UUID, str]:
    """The names of the bots with these primary keys; bots that are gone are left out."""
    return dict(Bot.objects.filter(pk__in=ids).values_list("pk", "name"))


def people_of(refs: Collection[PersonRef]) -> dict[PersonRef, str]:
    """The names of people in the active language; people without one are left out."""
    language = get_language() or ""
    called = {ref: person.called(language) for ref, person in people.names_of(refs).items()}
    return {ref: name for ref, name in called.items() if name}


def visible_to(user: User) -> QuerySet[Bot]:
    """The bots that an operator sees, by name, with primary key, App ID and name alone."""
    return Bot.objects.visible_to(user).only("name", "app_id").order_by("name")


directory = BotDirectory(app_ids_of=app_ids_of, names_of=names_of, people_of=people_of, visible_to=visible_to)
