"""People in the console: one person once, and all that the operator's bots have to do with them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from auth_sessions.admin.asking import ask_address
from auth_sessions.admin.sessions import SESSION_COLOURS
from auth_sessions.admin.tokens import needs_person, status_of
from auth_sessions.domain.people import grants_of, people_named
from auth_sessions.enums import SessionState, TokenStatus
from auth_sessions.models import AuthSession, UserToken
from bots.admin.sendings import STATE_COLOURS
from bots.enums import SendingState
from bots.models import Bot, Person, Sending
from bots.people.across_bots import at_all_bots, once_each
from bots.people.directory import PersonRef, people_called
from core.console.badges import state
from core.console.base import ReadOnlyAdmin, operator_of
from core.console.columns import column
from core.console.fieldsets import without
from core.console.filters import VisibleRelatedFilter
from core.console.people import Named, PeopleAdmin, PeopleChangeList, called, know_people, shown
from core.console.rendering import EMPTY, ago, copyable, when
from core.console.search import MAX_TEXT
from core.console.sentences import in_language
from core.database.text import storable
from events.admin.list_cells import type_in_words
from events.log.summaries import read_summaries
from events.models import Event
from feishu.scopes import scope_text

MAX_SHOWN: Final = 50
"""Bots on a person's page."""
RECENT: Final = 100
"""Events of a bot among which one of the person is looked for: no index has their senders."""
NAMED: Final = 3
"""Bots, or scopes, that are named; of the others it is said how many they are."""


def listed(names: Sequence[str]) -> str:
    """The first few, and how many others there are."""
    more = len(names) - NAMED
    return ", ".join([*names[:NAMED], *([f"+{more}"] if more > 0 else [])])


@dataclass(frozen=True, slots=True)
class Grant:
    """What the person granted a bot, in short."""

    token: UserToken

    @property
    def status(self) -> str:
        return status_of(self.token)

    @property
    def needs_person(self) -> str:
        return "" if self.token.status == TokenStatus.REVOKED else needs_person(self.token, ago)

    @property
    def scopes(self) -> str:
        return listed([in_language(scope_text(scope)) for scope in self.token.scopes])

    @property
    def scope_names(self) -> str:
        return "\n".join(self.token.scopes)


@dataclass(frozen=True, slots=True)
class AtBot:
    """A person as one bot knows them, and the last that it had to do with them."""

    person: Person
    grants: list[Grant]
    session: AuthSession | None
    sending: Sending | None
    event: Event | None
    may_ask: bool
    """The operator, and now."""

    @property
    def bot(self) -> Bot:
        return self.person.bot

    @property
    def open_id(self) -> str:
        return copyable(self.person.open_id)

    @property
    def ask_link(self) -> str:
        return ask_address(self.bot, self.person.open_id, [])

    @property
    def events_link(self) -> str:
        return _list("events_event", self.bot, self.person.open_id)

    @property
    def sessions_link(self) -> str:
        return _list("auth_sessions_authsession", self.bot, self.person.open_id)

    @property
    def session_state(self) -> str:
        return state(SessionState(self.session.state), SESSION_COLOURS) if self.session else ""

    @property
    def session_at(self) -> str:
        return ago(self.session.created_at) if self.session else ""

    @property
    def sending_state(self) -> str:
        return state(SendingState(self.sending.state), STATE_COLOURS) if self.sending else ""

    @property
    def sending_at(self) -> str:
        return ago(self.sending.at) if self.sending else ""

    @property
    def event_type(self) -> str:
        return type_in_words(self.event.event_type) if self.event else ""

    @property
    def event_at(self) -> str:
        return ago(self.event.received_at) if self.event else ""


class PersonChangeList(PeopleChangeList):
    """Reads once which bots know the people of a page, and for which of them they may act."""

    def get_results(self, request: HttpRequest) -> None:
        # Not those of the class above, which asks for the names of what is not read yet.
        super(PeopleChangeList, self).get_results(request)
        self.result_list = people = list(self.result_list)
        at_bots = at_all_bots(people, among=Person.objects.visible_to(operator_of(request)))
        active = _active([row for rows in at_bots.values() for row in rows])
        for person in people:
            person.at_bots = at_bots[person.pk]
            person.active = [row for row in person.at_bots if (row.bot_id, row.open_id) in active]
        know_people(people, self.model_admin.people_of)


@admin.register(Person)
class PersonAdmin(PeopleAdmin[Person], ReadOnlyAdmin[Person]):
    list_display = ("person", "email_shown", "known_by", "act_for_them", "heard")
    list_filter = (("bot", VisibleRelatedFilter),)
    list_select_related = ("bot",)
    search_fields = ("open_id__exact",)  # shows the field
    search_help_text = _("Name; or open_id, union_id, user_id or e-mail address, in full")
    sortable_by = ()
    ordering = ("-updated_at", "-pk")
    change_form_after_template = "admin/bots/person/at_bots.html"
    fieldsets = (
        (None, {"fields": ("person", "other_name", "email_shown", "union_id_shown", "heard_in_full")}),
    )
    readonly_fields = ("person", "other_name", "email_shown", "union_id_shown", "heard_in_full")
    empty_title = _("The bots know nobody yet")
    empty_text = _(
        "Whoever authorizes a bot, is asked by one or appears on a page of the console stands here, once for all bots."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Person]:
        return super().get_queryset(request).filter(bot__deleted_at=None)

    def get_changelist(self, request: HttpRequest, **_options: Any) -> type[PersonChangeList]:  # noqa: ARG002 -- Django's signature
        return PersonChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Person], search_term: str
    ) -> tuple[QuerySet[Person], bool]:
        """Each person once, whether or not something is searched for."""
        term = storable(search_term.strip(), MAX_TEXT)
        if term:
            bots = Bot.objects.visible_to(operator_of(request))
            grants = UserToken.objects.filter(bot__in=bots)
            found = [*people_called(term, among=queryset), *people_named(term, among=queryset, grants=grants)]
            queryset = queryset.filter(pk__in=[person.pk for person in found])
        return once_each(queryset), False

    def get_fieldsets(self, request: HttpRequest, obj: Person | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        said = {
            "other_name": self.other_name(obj),
            "email_shown": _email_of(obj),
            "union_id_shown": obj.union_id,
        }
        return without(fieldsets, [name for name, value in said.items() if not value])

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Person | None:
        person = super().get_object(request, object_id, from_field)
        if person is not None:
            among = Person.objects.visible_to(operator_of(request))
            person.at_bots = at_all_bots([person], among=among)[person.pk]  # type: ignore[attr-defined]  # for the page
        return person

    def page_context(self, request: HttpRequest, row: Person) -> dict[str, Any]:
        known = _at_bots_of(row)
        return {
            "at_bots": _at_bots(known[:MAX_SHOWN], may_manage=operator_of(request).may_manage),
            "bots": len(known),
            "more": max(0, len(known) - MAX_SHOWN),
            "has_union_id": bool(row.union_id),
        }

    def people_of(self, row: Person) -> list[PersonRef]:
        """Other bots may have been told a name where this one was not."""
        return [(one.bot_id, one.open_id) for one in _at_bots_of(row)]

    def title_of(self, row: Person) -> str:
        return called(self._named(row)) or str(row)

    @column(_("person"))
    def person(self, row: Person) -> str:
        return shown(row.open_id, self._named(row))

    @column(_("also called"))
    def other_name(self, row: Person) -> str:
        """The one in the language that the page is not in, as whichever bot was told it."""
        title = called(self._named(row))
        names = (name for one in [row, *_at_bots_of(row)] for name in (one.name, one.en_name))
        return next((name for name in names if name and name != title), "")

    def _named(self, row: Person) -> Named | None:
        known = self._known(row)
        everywhere = (known.get((one.bot_id, one.open_id)) for one in [row, *_at_bots_of(row)])
        return next((one for one in everywhere if called(one)), None)

    @column(_("e-mail"))
    def email_shown(self, row: Person) -> str:
        return _email_of(row) or EMPTY

    @column(_("Union ID"))
    def union_id_shown(self, row: Person) -> str:
        return copyable(row.union_id)

    @column(_("known by"))
    def known_by(self, row: Person) -> str:
        return listed([one.bot.name for one in _at_bots_of(row)])

    @column(_("may act for them"))
    def act_for_them(self, row: Person) -> str:
        return listed([one.bot.name for one in row.active]) or EMPTY  # type: ignore[attr-defined]  # by the change list

    @column(_("profile updated"))
    def heard(self, row: Person) -> str:
        return ago(row.updated_at)

    @column(_("profile updated"))
    def heard_in_full(self, row: Person) -> str:
        return when(row.updated_at)


def _at_bots_of(person: Person) -> list[Person]:
    """The person as all of the operator's bots know them, as far as that was read."""
    return getattr(person, "at_bots", None) or [person]


def _email_of(person: Person) -> str:
    return next((one.email for one in [person, *_at_bots_of(person)] if one.email), "")


def _active(people: Collection[Person]) -> set[PersonRef]:
    """Those of whom the bot has an authorization that works."""
    bots, open_ids = {person.bot_id for person in people}, {person.open_id for person in people}
    rows = UserToken.objects.filter(bot__in=bots, open_id__in=open_ids, status=TokenStatus.ACTIVE)
    return set(rows.order_by().values_list("bot_id", "open_id"))


def _at_bots(people: Sequence[Person], *, may_manage: bool) -> list[AtBot]:
    """In five queries for all bots, and one for the last events of each."""
    granted = grants_of(people)
    of_person = {"bot": OuterRef("bot"), "open_id": OuterRef("open_id")}
    to_person = {"bot": OuterRef("bot"), "target": OuterRef("open_id")}
    last = {
        pk: (session, sending)
        for pk, session, sending in Person.objects.filter(
            pk__in=[person.pk for person in people]
        ).values_list(
            "pk",
            Subquery(AuthSession.objects.filter(**of_person).order_by("-created_at").values("pk")[:1]),
            Subquery(Sending.objects.filter(**to_person).order_by("-pk").values("pk")[:1]),
        )
    }
    sessions = AuthSession.objects.defer("start_token", "code_verifier").in_bulk(
        [session for session, _sending in last.values() if session]
    )
    sendings = Sending.objects.in_bulk([sending for _session, sending in last.values() if sending])
    return [
        AtBot(
            person=person,
            grants=[Grant(token) for token in granted[person.bot_id, person.open_id]],
            session=sessions.get(last[person.pk][0]),
            sending=sendings.get(last[person.pk][1]),
            event=_last_event(person),
            may_ask=may_manage and person.bot.enabled,
        )
        for person in people
    ]


def _last_event(person: Person) -> Event | None:
    recent = Event.objects.filter(bot=person.bot_id).order_by("-pk")
    events = list(recent.only("event_type", "received_at")[:RECENT])
    read_summaries(events)
    return next((event for event in events if event.summary.sender == person.open_id), None)


def _list(page: str, bot: Bot, open_id: str) -> str:
    query = urlencode({"bot__id__exact": str(bot.pk), "q": open_id})
    return f"{reverse(f'admin:{page}_changelist')}?{query}"
