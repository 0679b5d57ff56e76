"""Addresses of pages about rows, for pages that name hundreds of them."""

from functools import lru_cache
from typing import Final
from urllib.parse import quote

from django.urls import get_script_prefix, reverse
from django.utils.http import RFC3986_SUBDELIMS

PLACE: Final = "987654321987654321"
"""Stands in an address, or in a piece of a page that is drawn once, for the key of a row."""


def page(key: object, name: str) -> str:
    """The address of a page about a row, by the name of its route. A list asks for hundreds, and ``reverse`` takes ten times as
    long as this."""
    return _pattern(name, get_script_prefix()).replace(PLACE, quoted(key))


def quoted(key: object) -> str:
    """A key as ``reverse`` puts it into an address."""
    return quote(str(key), safe=f"{RFC3986_SUBDELIMS}/~:@")


@lru_cache(maxsize=256)
def _pattern(name: str, _prefix: str) -> str:
    return reverse(name, args=[PLACE])
