"""The search over everything, behind Ctrl-K: apps bring sources, and each finds a few rows that the operator may see.

A source reads a bounded number of rows from an index: it is asked at every pause in somebody's typing.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from django.utils.functional import Promise

from core.access.models import User
from core.database.text import storable

MAX_HITS: Final = 6
"""Of one source."""
MAX_TEXT: Final = 200
"""Characters of a search; the rest is cut off."""
_LOG_ID: Final = re.compile(r"\d{14}[0-9A-Fa-f]{6,}")


def is_log_id(text: str) -> bool:
    """Whether the text looks like a log ID of the platform: the time, and a number in hexadecimal."""
    return _LOG_ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Hit:
    """A page that fits: what it is called, what else tells it apart, and where it is. ``mark``: what stands before it in place
    of its source's symbol."""

    title: str
    link: str
    detail: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """What an app can be searched for. ``find`` is called with the operator and the text, which has no blanks around it."""

    title: str | Promise
    icon: str
    find: Callable[[User, str], Iterable[Hit]]


@dataclass(frozen=True, slots=True)
class Group:
    """The hits of one source under its title."""

    title: str | Promise
    icon: str
    hits: tuple[Hit, ...]


_sources: list[Source] = []


def register(source: Source) -> None:
    """Search it, too; to be called when the app's admin is loaded. Sources stand in the order of INSTALLED_APPS."""
    _sources.append(source)


def search(user: User, text: str, *, navigation: Iterable[dict[str, Any]] = ()) -> list[Group]:
    """What fits, pages of the sidebar first. Nothing for an empty text."""
    wanted = storable(text.strip(), MAX_TEXT)
    if not wanted:
        return []
    groups = [
        *_pages(wanted, navigation),
        *(Group(one.title, one.icon, tuple(islice(one.find(user, wanted), MAX_HITS))) for one in _sources),
    ]
    return [group for group in groups if group.hits]


def _pages(text: str, navigation: Iterable[dict[str, Any]]) -> Iterator[Group]:
    """The lines of the sidebar whose names contain the text; each with its own symbol."""
    for group in navigation:
        for line in group["items"]:
            if line["has_permission"] and text.casefold() in str(line["title"]).casefold():
                yield Group(
                    "",
                    line["icon"],
                    (Hit(str(line["title"]), str(line["link"]), str(group.get("title") or "")),),
                )
