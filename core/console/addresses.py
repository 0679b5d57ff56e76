"""Addresses of pages about rows, for pages that name hundreds of them."""

from functools import lru_cache
from typing import Final
from urllib.parse import quote

from django.urls import get_script_prefix, reverse
from django.utils.http import RFC3986_SUBDELIMS

PLACE: Final = "987654321987654321"
"""Stands in an address for the key of a row."""
SAFE: Final = f"{RFC3986_SUBDELIMS}/~:@"
"""What ``reverse`` leaves as it is, too."""


def page(key: object, name: str) -> str:
    """The address of a page about a row, by the name of its route. A list asks for hundreds, and ``reverse`` takes ten times as
    long as this."""
    return _pattern(name, get_script_prefix()).replace(PLACE, quote(str(key), safe=SAFE))


@lru_cache(maxsize=256)
def _pattern(name: str, _prefix: str) -> str:
    return reverse(name, args=[PLACE])
