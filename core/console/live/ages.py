"""Ages that grow and times left that shrink while a page is open: rendered here, updated in the browser by ``ages.js``."""

from datetime import datetime
from typing import Final

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from core.console.rendering import exact

UNITS: Final[tuple[tuple[str, int, str | Promise], ...]] = (
    ("d", 86400, _("%(count)s d")),
    ("h", 3600, _("%(count)s h")),
    ("min", 60, _("%(count)s min")),
    ("s", 1, _("%(count)s s")),
)
"""From the longest: its name, its seconds, and how it is written."""


def short(seconds: float) -> str:
    """An age in the largest unit of which it has at least one."""
    whole = max(0, int(seconds))
    length, words = next(
        ((length, words) for _name, length, words in UNITS if whole >= length), (1, UNITS[-1][2])
    )
    return str(words) % {"count": whole // length}


def age(moment: datetime | None, *, place: str = "") -> SafeString:
    """How long ago that was. ``place``: what the page calls it, for moments that change while the page is open."""
    known = format_html(' id="{}"', place) if place else ""
    if moment is None:
        return SafeString("")
    return format_html(
        '<time data-age datetime="{}" title="{}"{}>{}</time>',
        moment.isoformat(),
        exact(moment),
        known,
        short((timezone.now() - moment).total_seconds()),
    )


def countdown(moment: datetime) -> SafeString:
    """How long until then."""
    return format_html(
        '<time data-until datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        exact(moment),
        short((moment - timezone.now()).total_seconds()),
    )
