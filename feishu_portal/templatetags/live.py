"""Tags of live pages."""

from collections.abc import Collection
from datetime import datetime
from types import ModuleType
from typing import Any

from django import template
from django.utils.safestring import SafeString

from core.console import addresses

register = template.Library()


def _rendering() -> ModuleType:
    from feishu_portal.overview.connections import rendering  # noqa: PLC0415 -- tags are loaded before there is any admin

    return rendering


@register.filter
def is_in(member: object, group: Collection[object]) -> bool:
    """Whether a row is among some."""
    return member in group


@register.filter
def page(key: object, name: str) -> str:
    """The address of a page about a row, by the name of its route."""
    return addresses.page(key, name)


@register.filter
def actions(bot: object) -> SafeString:
    """The links of a bot's menu."""
    drawn: SafeString = _rendering().actions(bot)
    return drawn


@register.filter
def who(status: object) -> Any:
    """Who disconnected a bot or switched it off."""
    return _rendering().who(status)


@register.filter
def note(slot: object) -> Any:
    """The word beside a connection's state, if there is something to add."""
    return _rendering().slot_note(slot)


@register.filter
def words(slot: object) -> Any:
    """The state of a connection in a word or two."""
    return _rendering().slot_words(slot)


@register.filter
def problem(row: object) -> Any:
    """What is wrong with a connection, with cause and cure."""
    return _rendering().problem(row)


@register.filter
def in_language(text: object) -> Any:
    """A text of the platform layer in the language of the page."""
    return _rendering().in_language(text)


@register.simple_tag
def age(moment: datetime | None, place: str = "") -> SafeString:
    """How long ago that was; it grows by itself."""
    drawn: SafeString = _rendering().age(moment, place=place)
    return drawn


@register.simple_tag
def countdown(moment: datetime) -> SafeString:
    """How long until then; it shrinks by itself."""
    drawn: SafeString = _rendering().countdown(moment)
    return drawn


@register.simple_tag
def health(status: object) -> SafeString:
    """The health of a bot's connections as a label."""
    drawn: SafeString = _rendering().badge(status)
    return drawn


@register.simple_tag
def health_icon(value: str) -> SafeString:
    """The symbol of a bot's health."""
    drawn: SafeString = _rendering().health_icon(value)
    return drawn


@register.simple_tag
def slot_icon(slot: object) -> SafeString:
    """The symbol of a connection."""
    drawn: SafeString = _rendering().slot_icon(slot)
    return drawn


@register.simple_tag
def live_words() -> SafeString:
    """The words in which the browser writes ages, as attributes of the page's root."""
    drawn: SafeString = _rendering().live_words()
    return drawn


@register.simple_tag
def live_status() -> SafeString:
    """Whether the page is up to date, and by which way."""
    drawn: SafeString = _rendering().live_status()
    return drawn
