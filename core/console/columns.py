"""How values look in lists and on pages: times as distances, states as coloured labels, codes with their cure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

from django.db.models import Choices
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.console.sentences import in_language
from feishu.codes import CodeInfo, explain

F = TypeVar("F", bound=Callable[..., Any])

EMPTY = "—"
ACTORS = {
    "operator": _("Operator"),
    "api": _("API client"),
    "user": _("User"),
    "command": _("Command"),
    "platform": _("Feishu"),
    "system": _("Portal"),
}
Colours = Mapping[Any, str]
"""Unfold's label colours (success, info, warning, danger, primary) by value; grey for any other."""


def column(
    description: str | Promise, *, ordering: str | None = None, boolean: bool = False
) -> Callable[[F], F]:
    """Marks a method as a column, or as a read-only field of a form."""

    def mark(function: F) -> F:
        attributes: dict[str, Any] = {"short_description": description}
        if ordering:
            attributes["admin_order_field"] = ordering
        if boolean:
            attributes["boolean"] = True
        for name, value in attributes.items():
            setattr(function, name, value)
        return function

    return mark


def ago(moment: datetime | None) -> str:
    """The distance to now, with the exact time in the title."""
    if moment is None:
        return EMPTY
    now = timezone.now()
    if moment <= now:
        distance = timesince(moment, now, depth=1)
        text = gettext("%(distance)s ago") % {"distance": distance}
    else:
        distance = timeuntil(moment, now, depth=1)
        text = gettext("in %(distance)s") % {"distance": distance}
    if abs((now - moment).total_seconds()) < 60:
        text = gettext("just now") if moment <= now else gettext("in a moment")
    return format_html(
        '<time class="portal-time" datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        exact(moment),
        text,
    )


def exact(moment: datetime | None) -> str:
    """Date and time to the second, in the portal's time zone."""
    if moment is None:
        return EMPTY
    local = timezone.localtime(moment)
    return f"{date_format(local, 'DATE_FORMAT')} {local:%H:%M:%S %Z}"


def when(moment: datetime | None) -> str:
    """The exact time and the distance, for a page about one thing."""
    if moment is None:
        return EMPTY
    return format_html('{} <span class="portal-subtle">({})</span>', exact(moment), ago(moment))


def label(text: object, colour: str = "") -> SafeString:
    """A coloured label."""
    return _label(str(text), colour)


# A list has two in every row, and few different ones. Typed, for what is marked as safe equals what is not.
@lru_cache(maxsize=512, typed=True)
def _label(text: str, colour: str) -> SafeString:
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": colour, "size": "md"})


def state(choice: Choices, colours: Colours) -> SafeString:
    """The label of a TextChoices member, coloured by what it means."""
    return label(choice.label, colours.get(choice, ""))


def actor(text: str) -> str:
    """An actor as it is stored (``operator:lin``) in words."""
    kind, _colon, name = text.partition(":")
    words = str(ACTORS.get(kind, kind))
    return f"{words} · {name}" if name and kind not in {"platform", "system"} else words


def identifier(text: str) -> str:
    """An id a person may want to copy or compare."""
    return format_html('<code class="portal-id" title="{}">{}</code>', text, text) if text else EMPTY


def copyable(text: str, *, testid: str = "") -> str:
    """Text with a button that copies it."""
    if not text:
        return EMPTY
    return format_html(
        '<span class="portal-copy"><code class="portal-id" data-testid="{}">{}</code>'
        '<button type="button" class="portal-copy-button" data-copy="{}" data-copied="{}">{}</button></span>',
        testid,
        text,
        text,
        gettext("Copied"),
        gettext("Copy"),
    )


def explained(code: int | None, log_id: str = "") -> str:
    """A platform's code for people."""
    return trouble(None if code is None else explain(code), log_id=log_id)


def trouble(info: CodeInfo | None, *, said: str = "", log_id: str = "") -> str:
    """What is wrong, for people: cause with its code, cure, what was said, and the log id to ask support with."""
    if info is None:
        return EMPTY
    code = "" if info.code is None else format_html(' <code class="portal-id">{}</code>', info.code)
    parts = [
        format_html('<div class="portal-cause">{}{}</div>', in_language(info.cause), code),
        format_html('<div class="portal-cure">{}</div>', in_language(info.cure)),
    ]
    if said:
        parts.append(format_html('<div class="portal-said">{}</div>', said))
    if log_id:
        parts.append(
            format_html('<div>{} <code class="portal-id">{}</code></div>', gettext("Log ID"), log_id)
        )
    return format_html('<div class="portal-error">{}</div>', SafeString("".join(parts)))
