"""Who an open_id is: names for lists, people by name, and what the platform says of them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, TypeAlias
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from bots.models import Bot, Person, PersonKey
from bots.people import pictures
from bots.people.keys import MAX_KEY, folded, search_keys
from core.database.prefixes import starting_with
from core.database.text import storable
from feishu.people import Profile

PersonRef: TypeAlias = tuple[UUID, str]
"""A bot's primary key, and the open_id by which that bot knows a person."""

FRESH: Final = timedelta(days=14)
"""For so long what the platform said is not asked for again."""
MAX_FOUND: Final = 200
"""People that a name finds; a list of theirs shows the rows of so many."""
_WIDTHS: Final = {"union_id": 128, "name": 200, "en_name": 200, "email": 254}


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """``name`` is empty where the platform did not say it. ``is_due``: the platform was not asked lately. ``picture``: the digest
    of the stored one, empty where there is none. ``pk``: of the row in the directory."""

    open_id: str
    name: str
    en_name: str = ""
    email: str = ""
    is_due: bool = False
    picture: str = ""
    pk: int = field(default=0, compare=False)

    def called(self, language: str) -> str:
        """The name in a language of the console (``zh-hans``, ``en``); empty where it is not known."""
        if language.startswith("zh"):
            return self.name or self.en_name
        return self.en_name or self.name


def names_of(people: Iterable[PersonRef]) -> dict[PersonRef, KnownPerson]:
    """Who these people are, by pair of a bot's primary key and an open_id, in one query for any number of pairs.

    Pairs of which nothing is known are left out: show the open_id. ``bots.people.lookup.want`` has them looked up.
    """
    wanted = {(bot_id, open_id) for bot_id, open_id in people if open_id}
    if not wanted:
        return {}
    rows = Person.objects.filter(
        bot_id__in={bot_id for bot_id, _ in wanted}, open_id__in={open_id for _, open_id in wanted}
    ).values_list("pk", "bot_id", "open_id", "updated_at", "name", "en_name", "email", "picture__digest")
    long_ago = timezone.now() - FRESH
    return {
        (bot_id, open_id): KnownPerson(
            open_id, name, en_name, email, is_due=updated_at < long_ago, picture=picture or "", pk=pk
        )
        for pk, bot_id, open_id, updated_at, name, en_name, email, picture in rows
        if (bot_id, open_id) in wanted
    }


def people_called(text: str, *, among: QuerySet[Person], most: int = MAX_FOUND) -> list[Person]:
    """People whose name, a word of it, or e-mail address begins with ``text``; a Chinese name by any of its characters as
    well. ``among``: e.g. ``Person.objects.visible_to(operator)``."""
    beginning = folded(text)[:MAX_KEY]
    if not beginning:
        return []
    keys = PersonKey.objects.filter(starting_with("key", beginning)).values("person_id")
    return list(among.filter(pk__in=keys).order_by("name", "pk")[:most])


@transaction.atomic
def remember(bot: Bot, profiles: Collection[Profile]) -> None:
    """Keep what the platform said of people, and have their pictures fetched. Harmless to repeat."""
    now = timezone.now()
    known = {profile.open_id: profile for profile in profiles if profile.open_id}
    Person.objects.bulk_create(
        [Person(bot=bot, open_id=open_id) for open_id in sorted(known)], ignore_conflicts=True
    )
    renamed = []
    people = list(
        Person.objects.filter(bot=bot, open_id__in=known).order_by("open_id").select_for_update(no_key=True)
    )
    for person in people:
        before = (person.name, person.en_name, person.email)
        for column, width in _WIDTHS.items():
            # What one answer leaves out another one said: scopes differ, and so do a person's and the bot's token.
            if value := storable(getattr(known[person.open_id], column), width):
                setattr(person, column, value)
        person.email = person.email.lower()
        person.look_up_at, person.updated_at = None, now
        if (person.name, person.en_name, person.email) != before:
            renamed.append(person)
    Person.objects.bulk_update(people, [*_WIDTHS, "look_up_at", "updated_at"], batch_size=100)
    PersonKey.objects.filter(person__in=renamed).delete()
    PersonKey.objects.bulk_create(
        PersonKey(person=person, key=key)
        for person in renamed
        for key in search_keys(person.name, person.en_name, person.email)
    )
    pictures.note(bot, {person.pk: known[person.open_id].avatar_url for person in people})


def remember_known(bot: Bot, profile: Profile) -> None:
    """Keep what an event says of somebody, if the directory holds them: an event about everybody in a company is no reason to
    keep everybody. Not the union_id, by which other bots' people are told to be the same: who holds a webhook's keys can
    write an event."""
    if Person.objects.filter(bot=bot, open_id=profile.open_id).exists():
        remember(bot, [replace(profile, union_id="")])
