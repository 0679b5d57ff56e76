"""One person across bots: whom an id names, and what they granted each bot that knows them."""

from collections.abc import Collection, Iterable
from typing import Final

from django.db.models import QuerySet

from auth_sessions.domain.tokens.broker import identified_by
from auth_sessions.errors import PersonUnknownError, SeveralPeopleError
from auth_sessions.models import UserToken
from bots.models import Bot, Person
from bots.people.across_bots import at_all_bots, identity_of, people_with_id
from bots.people.directory import PersonRef

MAX_NAMED: Final = 100
"""Rows with one id that are looked at."""


def find_person(named: str, *, bots: QuerySet[Bot]) -> list[Person]:
    """How each of ``bots`` that knows the person does, in the order of the bots' names, each with its bot. ``named``: an open_id of any
    of these bots, a union_id, a user_id or an e-mail address; the last two as far as the person let one of them be read.

    Raises PersonUnknownError, SeveralPeopleError.
    """
    among = Person.objects.filter(bot__in=bots)
    people = people_named(named, among=among, grants=UserToken.objects.filter(bot__in=bots))
    if not people:
        raise PersonUnknownError
    if len({identity_of(person) for person in people}) > 1:
        raise SeveralPeopleError
    return at_all_bots(people[:1], among=among)[people[0].pk]


def people_named(named: str, *, among: QuerySet[Person], grants: QuerySet[UserToken]) -> list[Person]:
    """People with this id, at each bot that knows them by it, with their bots. A user_id is known from ``grants`` alone."""
    granted = grants.filter(identified_by(named)).order_by().values_list("bot_id", "open_id")
    refs = set(granted[:MAX_NAMED])
    by_id = people_with_id(named, among=among).select_related("bot").order_by("pk")
    found = {(person.bot_id, person.open_id): person for person in by_id[:MAX_NAMED]}
    if others := refs - found.keys():
        found |= {(person.bot_id, person.open_id): person for person in _people(others, among=among)}
    return list(found.values())


def grants_of(people: Collection[Person]) -> dict[PersonRef, list[UserToken]]:
    """What each of these people granted the bot that knows them: mostly one grant or none; one for each of several tenants."""
    granted: dict[PersonRef, list[UserToken]] = {(person.bot_id, person.open_id): [] for person in people}
    bots = {person.bot_id: person.bot for person in people}
    rows = UserToken.objects.filter(bot__in=list(bots), open_id__in={open_id for _, open_id in granted})
    for grant in rows.order_by("tenant_key"):
        if (grant.bot_id, grant.open_id) in granted:
            grant.bot = bots[grant.bot_id]
            granted[grant.bot_id, grant.open_id].append(grant)
    return granted


def _people(refs: Iterable[PersonRef], *, among: QuerySet[Person]) -> list[Person]:
    wanted = set(refs)
    rows = among.filter(bot__in={bot for bot, _ in wanted}, open_id__in={open_id for _, open_id in wanted})
    return [person for person in rows.select_related("bot") if (person.bot_id, person.open_id) in wanted]
