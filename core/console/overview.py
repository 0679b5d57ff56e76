"""What apps bring to the console's overview: what is wrong, each problem with its one repair, and cards with numbers.

Everything is read for one operator, in a fixed number of queries that read a bounded number of rows each.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode

from core.access.audit import Bot
from core.access.models import User

MAX_PROBLEMS: Final = 50
"""Problems of one kind that are listed; further ones appear as these are repaired."""


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
    DOWN = 3
    """The same for all bots at once: the installation itself does not work."""


@dataclass(frozen=True, slots=True)
class Repair:
    """The one button of a problem: it leads to the page where the problem is repaired or, where ``is_post``, repairs it.

    ``permission``: what an operator needs for it, e.g. ``bots.change_bot``; nothing for a page that only shows.
    """

    words: str | Promise
    link: str
    permission: str = ""
    is_post: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    ``key`` names the fact: of problems with the same key one is listed. ``cause`` is the kind of cause; a silence holds for one
    kind. ``scale`` says how many are hit, ``since`` is the last good moment. ``together``: the overview's first line where
    so many problems of the same ``key`` up to the colon are listed.
    """

    key: str
    cause: str
    severity: Severity
    subject: str
    sentence: str
    link: str
    repair: Repair
    text: str = ""
    scale: str = ""
    since: datetime | None = None
    bot: Bot | None = None
    is_silenceable: bool = True
    together: Callable[[int], str] | None = None

    @property
    def fact(self) -> str:
        return self.key.partition(":")[0]


@dataclass(frozen=True, slots=True)
class SectionState:
    """How an app stands. Whatever makes a card bad has a problem: without any, all is well."""

    cards: list[Card]
    problems: tuple[Problem, ...] = ()
    """Of equal severity in the order in which they are to be listed."""
    last_problem_at: datetime | None = None
    """When the last problem that is over ended, as far as the app keeps that."""


@dataclass(frozen=True, slots=True)
class Section:
    """What one app brings: a group of cards under a heading, and its problems."""

    title: str | Promise
    state: Callable[[User], SectionState]


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


def from_overview(address: str) -> str:
    """The address of an action whose page leads back to the overview."""
    return f"{address}?back=overview"
