"""The directory as pages of the console ask for it."""

from collections.abc import Collection

from bots.models import Person
from bots.people.directory import KnownPerson, PersonRef, names_of, people_called
from bots.people.lookup import want
from core.access.models import User
from core.console.people import PeopleSource, register


def names_on_page(people: Collection[PersonRef]) -> dict[PersonRef, KnownPerson]:
    """Who these are. The platform is asked in the background for those of whom nothing is known, or nothing new."""
    known = names_of(people)
    want(person for person in people if person not in known or known[person].is_due)
    return known


def found_by(operator: User, text: str) -> list[PersonRef]:
    """People of the operator's bots who are called so."""
    found = people_called(text, among=Person.objects.visible_to(operator))
    return [(person.bot_id, person.open_id) for person in found]


register(PeopleSource(names=names_on_page, found=found_by))
