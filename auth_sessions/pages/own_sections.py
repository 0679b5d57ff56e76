"""What other apps show on a person's own page."""

from collections.abc import Callable
from typing import Final, TypeAlias

from django.http import HttpRequest
from django.utils.safestring import SafeString

from auth_sessions.domain.self_service import SelfServiceView

Section: TypeAlias = Callable[[HttpRequest, SelfServiceView], SafeString]
"""Renders one section; empty where the person has nothing there."""

_sections: Final[list[Section]] = []


def own_section(section: Section) -> Section:
    """A decorator: the section stands on the page of each person."""
    _sections.append(section)
    return section


def sections_of(request: HttpRequest, view: SelfServiceView) -> list[SafeString]:
    """What other apps show the person."""
    return [section(request, view) for section in _sections]
