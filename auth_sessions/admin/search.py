"""What authorizations bring to the search over everything: people by name or ID, and requests by their card or log ID."""

from collections.abc import Iterator
from typing import Final

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from auth_sessions.enums import SessionState
from auth_sessions.models import AuthSession, UserToken
from bots.models import Bot, Person
from bots.people.directory import names_of, people_called
from core.access.models import User
from core.console.people import avatar, called
from core.console.rendering import exact
from core.console.search import MAX_HITS, Hit, Source, is_log_id, register

RECENT: Final = 2000
"""Failed requests looked through for a log ID, which no index has."""


def find_people(user: User, text: str) -> Iterator[Hit]:
    """Who authorized a bot. The indexes of IDs begin with the bot."""
    bots = Bot.objects.visible_to(user)
    by_name = people_called(text, among=Person.objects.visible_to(user))
    fits = Q(open_id=text) | Q(union_id=text) | Q(user_id=text)
    fits |= Q(open_id__in=[person.open_id for person in by_name])
    found = list(UserToken.objects.filter(fits, bot__in=bots).select_related("bot").order_by()[:MAX_HITS])
    known = names_of((token.bot_id, token.open_id) for token in found)
    for token in found:
        link = reverse("admin:auth_sessions_usertoken_change", args=[token.pk])
        person = known.get((token.bot_id, token.open_id))
        yield Hit(
            called(person) or token.open_id,
            link,
            f"{token.bot.name} · {token.open_id}",
            avatar(token.open_id, person),
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
