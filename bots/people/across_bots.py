"""The same person as several bots know them.

Each app knows a person by an open_id of its own. The union_id is the same for all apps of one developer, and it alone says here that
two bots mean the same person: a user_id is what the company chose and may choose again, and an e-mail address is what an
administrator typed, unverified (pages "How to get user IDs" and "Get user information").
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Final, TypeAlias

from django.db.models import Exists, OuterRef, Q, QuerySet

from bots.enums import PlatformName
from bots.models import Bot, Person, PersonKey
from bots.people.keys import MAX_KEY, folded

Identity: TypeAlias = tuple[str, str]

MAX_ROWS: Final = 2_000
"""Of all people of a page, at all bots."""
_SAME_PLATFORM: Final = Q(bot__platform=OuterRef("bot__platform")) & (
    ~Q(bot__platform=PlatformName.CUSTOM) | Q(bot__open_url=OuterRef("bot__open_url"))
)
"""Whoever runs a platform of their own may name any union_id."""


def identity_of(person: Person) -> Identity:
    """Alike for all rows of one person, and for no others. Reads the person's bot."""
    if not person.union_id:
        return str(person.bot_id), person.open_id
    return person.bot.addresses.open_url, person.union_id


def at_all_bots(people: Collection[Person], *, among: QuerySet[Person]) -> dict[int, list[Person]]:
    """How the bots know these people, by the primary keys of those given: each with themself, in the order of the bots' names, and
    with their bots. One query. ``among``: e.g. ``Person.objects.visible_to(operator)``, of which ``people`` are some."""
    union_ids = {person.union_id for person in people if person.union_id}
    same = Q(pk__in=[person.pk for person in people]) | Q(union_id__in=union_ids)
    rows = among.filter(same, bot__deleted_at=None).select_related("bot")
    found: dict[Identity, list[Person]] = defaultdict(list)
    for row in rows.order_by("bot__name", "bot__app_id", "pk")[:MAX_ROWS]:
        found[identity_of(row)].append(row)
    return {person.pk: found[identity_of(person)] for person in people}


def once_each(people: QuerySet[Person]) -> QuerySet[Person]:
    """Of several rows of one person among ``people`` the first one."""
    earlier = people.order_by().filter(
        ~Q(union_id=""), _SAME_PLATFORM, union_id=OuterRef("union_id"), pk__lt=OuterRef("pk")
    )
    return people.exclude(Exists(earlier))


def people_with_id(text: str, *, among: QuerySet[Person]) -> QuerySet[Person]:
    """Those with this open_id, union_id or e-mail address, in full. A union_id may be one of several platforms'."""
    if "@" in text:
        # The addresses themselves have no index; their beginnings have one.
        keys = PersonKey.objects.filter(key=folded(text)[:MAX_KEY].rstrip()).values("person_id")
        return among.filter(email=text.lower(), pk__in=keys)
    if text.startswith("on_"):
        return among.filter(union_id=text)
    # The index of open_ids begins with the bot.
    return among.filter(open_id=text, bot__in=Bot.objects.all())
