"""One person across the key's bots: which of them know the person, and by which a system may act for them."""

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from ninja import Router, Schema

from auth_sessions.domain.people import find_person, grants_of
from auth_sessions.domain.tokens.decision import is_usable
from auth_sessions.errors import PersonUnknownError, SeveralPeopleError
from bots.models import Person
from bots.people.directory import names_of
from feishu_portal.api.keys import bots_of, caller
from feishu_portal.api.problems import Problem, not_found
from feishu_portal.api.users import FOR_USERS, UserOut, user_out

router = Router()

MAX_ID = 254


class KnownByOut(Schema):
    """How one bot knows the person. ``usable``: the bot is enabled, and one of ``grants`` has an access token or may be refreshed to
    one; which scopes it has is in the grant."""

    bot_id: UUID
    app_id: str
    name: str
    enabled: bool
    open_id: str
    usable: bool
    grants: list[UserOut]


class PersonOut(Schema):
    """``union_id``: the same for all bots; empty where the platform did not say it, and then one bot alone is listed. ``name``
    and ``email``: empty where the platform did not say them."""

    union_id: str
    name: str
    email: str
    bots: list[KnownByOut]


@router.get("/{person}", response=PersonOut, summary="One person across the key's bots")
def get_person(request: HttpRequest, person: str) -> PersonOut:
    """Every bot of the key that knows the person, with what they granted it: ask once which bot may act for them. ``person``: any
    bot's open_id, the union_id, the user_id or an e-mail address, as far as the bots know it; the platform is not asked. Needs one
    of the scopes ``tokens:issue``, ``tokens:revoke`` and ``proxy:user``. Bots know the same person by the union_id, which is the same
    for all apps of one developer; nothing else counts as a proof. 409 ``several_people``: bots know different people by this id."""
    client = caller(request, *FOR_USERS)
    if len(person) > MAX_ID or "\x00" in person:
        raise not_found("person")
    try:
        return _person_out(find_person(person, bots=bots_of(client)))
    except PersonUnknownError:
        raise not_found("person") from None
    except SeveralPeopleError as error:
        raise Problem(409, "several_people", str(error)) from None


def _person_out(people: list[Person]) -> PersonOut:
    granted, known = grants_of(people), names_of((person.bot_id, person.open_id) for person in people)
    names = (one.called(settings.LANGUAGE_CODE) for one in known.values())
    return PersonOut(
        union_id=people[0].union_id,
        name=next(filter(None, names), ""),
        email=next(filter(None, (person.email for person in people)), ""),
        bots=[
            KnownByOut(
                bot_id=person.bot_id,
                app_id=person.bot.app_id,
                name=person.bot.name,
                enabled=person.bot.enabled,
                open_id=person.open_id,
                usable=person.bot.enabled and any(is_usable(grant) for grant in granted[ref]),
                grants=[user_out(grant, bot=person.bot, known=known.get(ref)) for grant in granted[ref]],
            )
            for person in people
            for ref in [(person.bot_id, person.open_id)]
        ],
    )
