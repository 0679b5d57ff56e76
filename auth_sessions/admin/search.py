"""What authorizations bring to the search over everything: people by name or ID, and requests by their card or log ID."""

from collections.abc import Iterator
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from auth_sessions.admin.people import listed
from auth_sessions.domain.people import MAX_NAMED, people_named
from auth_sessions.enums import SessionState
from auth_sessions.models import AuthSession, UserToken
from bots.models import Bot, Person
from bots.people.across_bots import at_all_bots, identity_of
from bots.people.directory import names_of, people_called
from core.access.models import User
from core.console.people import avatar, called
from core.console.rendering import exact
from core.console.search import MAX_HITS, Hit, Source, is_log_id, register

RECENT: Final = 2000
"""Failed requests looked through for a log ID, which no index has."""


def find_people(user: User, text: str) -> Iterator[Hit]:
    """Whom a bot knows, each once, however many bots do. The indexes of IDs begin with the bot."""
    among = Person.objects.visible_to(user).filter(bot__deleted_at=None)
    by_id = people_named(
        text, among=among, grants=UserToken.objects.filter(bot__in=Bot.objects.visible_to(user))
    )
    by_name = people_called(text, among=among.select_related("bot"), most=MAX_NAMED)
    found = {identity_of(person): person for person in reversed([*by_id, *by_name])}
    people = list(reversed(found.values()))[:MAX_HITS]
    at_bots = at_all_bots(people, among=among)
    known = names_of((row.bot_id, row.open_id) for rows in at_bots.values() for row in rows)
    for person in people:
        rows = at_bots[person.pk]
        one = next((one for row in rows if called(one := known.get((row.bot_id, row.open_id)))), None)
        link = reverse("admin:bots_person_change", args=[person.pk])
        email = next((row.email for row in rows if row.email), "")
        bots = listed([row.bot.name for row in rows])
        yield Hit(
            called(one) or person.open_id,
            link,
            " · ".join(filter(None, (email, bots))),
            avatar(person.open_id, one),
        )


def find_requests(user: User, text: str) -> Iterator[Hit]:
    rows = AuthSession.objects.filter(bot__in=Bot.objects.visible_to(user))
    if is_log_id(text):
        failed = rows.filter(state=SessionState.FAILED).order_by("-created_at")
        recent = failed.values_list("pk", "error_log_id")[:RECENT]
        rows = rows.filter(pk__in=[pk for pk, log_id in recent if log_id == text])
    elif text.startswith("ou_"):
        rows = rows.filter(open_id=text)
    else:
        return
    for session in rows.select_related("bot").order_by("-created_at")[:MAX_HITS]:
        link = reverse("admin:auth_sessions_authsession_change", args=[session.pk])
        yield Hit(str(session), link, f"{session.bot.name} · {exact(session.created_at)}")


register(Source(title=_("People"), icon="person", find=find_people))
register(Source(title=_("Authorization requests"), icon="how_to_reg", find=find_requests))
