"""What apps bring to the console's overview: how they stand, cards with numbers, panels that call for a person, recent problems.

Everything is read for one operator, in a fixed number of queries that read a bounded number of rows each.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode

from core.access.models import User
from core.console.rendering import ago

MAX_ENTRIES: Final = 5
"""Entries of a panel, and recent problems of one kind."""


@dataclass(frozen=True, slots=True)
class Card:
    """One number and the list behind it; ``tone`` is good, bad or plain."""

    name: str
    title: str | Promise
    value: str
    link: str
    tone: str = ""


class Severity(IntEnum):
    """How urgently a person is needed; the more, the higher."""

    ATTENTION = 1
    """Something is to be done, and nothing is lost meanwhile."""
    FAILING = 2
    """Events, answers or authorizations are missing as long as nobody does anything."""


@dataclass(frozen=True, slots=True)
class Headline:
    """What is wrong in one sentence, and where it is shown."""

    severity: Severity
    sentence: str
    link: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How an app stands. Whatever makes a card bad has a headline: without any, all is well."""

    cards: list[Card]
    headlines: tuple[Headline, ...] = ()
    last_problem_at: datetime | None = None
    """When the last problem that is over ended, as far as the app keeps that."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that an operator should look at, and where. A recent problem has ``kind`` and ``at``."""

    title: str
    text: str
    link: str
    kind: str | Promise = ""
    at: datetime | None = None

    @property
    def age(self) -> str:
        return ago(self.at) if self.at else ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A list that is shown while it has entries; ``name`` is for the page's markup."""

    name: str
    title: str | Promise
    entries: Callable[[User], list[Entry]]


@dataclass(frozen=True, slots=True)
class Section:
    """What one app brings: a group of cards under a heading, panels, and recent problems of any kind."""

    title: str | Promise
    standing: Callable[[User], Standing]
    panels: tuple[Panel, ...] = ()
    problems: Callable[[User], Iterable[Entry]] = lambda _user: ()


_sections: list[Section] = []


def register(section: Section) -> None:
    """Show the section; to be called when the app's admin is loaded. Sections stand in the order of INSTALLED_APPS."""
    _sections.append(section)


def sections() -> list[Section]:
    """All that are registered."""
    return list(_sections)


def list_link(name: str, **filters: str) -> str:
    """The address of a list, e.g. ``list_link("bots_bot", connected="yes")``."""
    address = reverse(f"admin:{name}_changelist")
    return f"{address}?{urlencode(filters)}" if filters else address
