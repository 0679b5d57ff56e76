"""People on pages: by name, with the id beside it. The app that knows people registers its answers; a list asks it once for
all its rows."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar
from zlib import crc32

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext

from core.access.bot_directory import PersonRef
from core.access.models import User
from core.console.base import ConsoleAdmin, operator_of
from core.console.change_list import ConsoleChangeList
from core.console.rendering import EMPTY, copyable, identifier

M = TypeVar("M", bound=Model)

COLOURS: Final = 8
"""Classes ``portal-avatar-0`` and so on in the style sheet."""
_CJK: Final = "\u2e80"


class Named(Protocol):
    """What is known of a person. ``picture`` tells one from others by its content; empty where there is none. ``pk``: by which their
    page is found; 0 where there is none."""

    @property
    def picture(self) -> str: ...

    @property
    def pk(self) -> int: ...

    def called(self, language: str) -> str:
        """The name in a language of the console; empty where it is not known."""


@dataclass(frozen=True, slots=True)
class PeopleSource:
    """``names``: who these are, in one query; pairs of whom nothing is known are left out. ``found``: whom an operator may
    see and who is called so. ``address``: where a picture is. ``page``: where all is that is known of a person."""

    names: Callable[[Collection[PersonRef]], Mapping[PersonRef, Named]]
    found: Callable[[User, str], Collection[PersonRef]]
    address: Callable[[str], str]
    page: Callable[[int], str]


_registered: list[PeopleSource] = []


def register(source: PeopleSource) -> None:
    """Ask this app who people are."""
    _registered[:] = [source]


def names_of(people: Iterable[PersonRef]) -> Mapping[PersonRef, Named]:
    """Who these are, in one query; the platform is asked for the others, in the background."""
    [source] = _registered
    return source.names(list(people))


def shown(open_id: str, known: Named | None, *, linked: bool = False) -> str:
    """A person in a list: picture and name, with the id in the title; the id alone where no name is known. ``linked``: to their
    page, where no link stands around it already."""
    name = called(known)
    person = (
        format_html(
            '<span class="portal-person" title="{}">{}{}</span>', open_id, avatar(open_id, known), name
        )
        if name
        else identifier(open_id)
    )
    return _linked(person, known) if linked else person


def shown_in_full(open_id: str, known: Named | None) -> str:
    """A person on a page about one thing: with a link to their own page, and the id to copy."""
    name = called(known)
    if not name:
        page = _linked(gettext("Open person"), known) if known and known.pk else ""
        return format_html('<span class="portal-person-in-full">{}{}</span>', copyable(open_id), page)
    person = format_html('<span class="portal-person">{}{}</span>', avatar(open_id, known), name)
    return format_html(
        '<span class="portal-person-in-full">{}{}</span>', _linked(person, known), copyable(open_id)
    )


def _linked(person: str, known: Named | None) -> str:
    if not known or not known.pk:
        return person
    [source] = _registered
    return format_html('<a class="portal-person-link" href="{}">{}</a>', source.page(known.pk), person)


def called(known: Named | None) -> str:
    """The name in the language of the page; empty where it is not known."""
    return known.called(get_language() or "") if known else ""


def avatar(open_id: str, known: Named | None) -> SafeString:
    """The person's picture in a circle, over the initials, which show where there is none, or none yet. Empty without a name:
    then the id says who it is."""
    if not known or not called(known):
        return SafeString("")
    person = described(open_id, known)
    image = (
        format_html('<img src="{}" alt="" loading="lazy">', person["picture"]) if person["picture"] else ""
    )
    return format_html(
        '<span class="portal-avatar portal-avatar-{}" aria-hidden="true">{}{}</span>',
        person["colour"],
        person["initials"],
        image,
    )


def described(open_id: str, known: Named) -> dict[str, Any]:
    """The same for scripts, see ``static/portal/avatar.js``: the name, and what is in the circle."""
    [source] = _registered
    name = called(known)
    return {
        "open_id": open_id,
        "name": name or open_id,
        "initials": initials(name),
        "colour": crc32(open_id.encode()) % COLOURS,
        "picture": source.address(known.picture) if known.picture else "",
    }


def initials(name: str) -> str:
    """The last character of a Chinese name, the first letters of two words of another; empty without a name. What stands in
    brackets, such as 王芳（外包）, is none of the name."""
    plain = name.replace("（", "(").partition("(")[0].strip() or name
    if plain[-1:] >= _CJK:
        return plain[-1]
    return "".join(word[0] for word in plain.split()[:2]).upper()


class PeopleChangeList(ConsoleChangeList):
    """Asks once who the people of a page's rows are."""

    model_admin: "PeopleAdmin[Any]"

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = rows = list(self.result_list)
        know_people(rows, self.model_admin.people_of)


def know_people(rows: Sequence[M], people_of: Callable[[M], Iterable[PersonRef]]) -> None:
    """Keep with each row who its people are, for ``PeopleAdmin.person_in``."""
    known = names_of([person for row in rows for person in people_of(row)])
    for row in rows:
        row.known_people = known  # type: ignore[attr-defined]


class PeopleAdmin(ConsoleAdmin[M]):
    """Rows that name people: shown by name, and found by it."""

    open_id_column = "open_id"
    """By which rows are found whose person's name was searched for; they have a ``bot``, too."""

    def people_of(self, row: M) -> list[PersonRef]:
        """The people of a row."""
        bot_id, open_id = getattr(row, "bot_id", None), getattr(row, self.open_id_column)
        return [(bot_id, open_id)] if bot_id and open_id else []

    def person_in(self, row: M, open_id: str, *, in_full: bool = False, linked: bool = True) -> str:
        """One of the row's people. ``linked``: not where the cell is the link to the row itself."""
        if not open_id:
            return EMPTY
        person = self._known(row).get((row.bot_id, open_id))  # type: ignore[attr-defined]
        return shown_in_full(open_id, person) if in_full else shown(open_id, person, linked=linked)

    def title_of(self, row: M) -> str:
        """The person's name."""
        return self.name_of(row, getattr(row, self.open_id_column)) or super().title_of(row)

    def name_of(self, row: M, open_id: str) -> str:
        """Empty where it is not known."""
        return called(self._known(row).get((row.bot_id, open_id)))  # type: ignore[attr-defined]

    def _known(self, row: M) -> Mapping[PersonRef, Named]:
        if not hasattr(row, "known_people"):
            know_people([row], self.people_of)
        known: Mapping[PersonRef, Named] = row.known_people  # type: ignore[attr-defined]
        return known

    def get_changelist(self, request: HttpRequest, **_options: Any) -> type[PeopleChangeList]:  # noqa: ARG002 -- Django's signature
        return PeopleChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[M], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        return self.and_by_name(request, queryset, search_term, found), may_repeat

    def and_by_name(
        self, request: HttpRequest, rows: QuerySet[M], term: str, found: QuerySet[M]
    ) -> QuerySet[M]:
        """What was ``found`` by ids, and those of ``rows`` whose person is called so."""
        [source] = _registered
        people = source.found(operator_of(request), term) if term.strip() else ()
        if not people:
            return found
        column = f"{self.open_id_column}__in"
        theirs = rows.filter(
            bot__in={bot_id for bot_id, _ in people}, **{column: {open_id for _, open_id in people}}
        )
        # One alone where it can be: an OR of both would read the whole table in the order of the list.
        return found | theirs if found.exists() else theirs
