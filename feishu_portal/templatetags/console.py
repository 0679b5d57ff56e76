"""Tags of every page of the console: where it is filed, what a list is filtered by, and what can be done with a row."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from django import template
from django.db.models import Model
from django.template import RequestContext
from django.urls import get_script_prefix, reverse
from django.utils.encoding import iri_to_uri
from django.utils.html import conditional_escape, escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext

from core.console.addresses import PLACE, page, quoted
from core.console.sentences import adding

register = template.Library()

ROW_MENU: Final = """<button type="button" class="portal-row-button" popovertarget="actions-{0}" aria-label="{1}" data-testid="row-menu">
<span class="material-symbols-outlined md-18" aria-hidden="true">more_horiz</span>
</button>
<div id="actions-{0}" class="portal-menu" popover data-menu>{2}</div>"""


@dataclass(frozen=True, slots=True)
class Crumb:
    """One step of the way to a page. The page itself has no link, nor has a group of the sidebar."""

    title: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class ActiveFilter:
    """A filter that a list goes by, and the same list without it."""

    title: str
    value: str
    without: str


@register.simple_tag(takes_context=True)
def crumbs(context: RequestContext) -> list[Crumb]:
    """The way to a page, under the names of the sidebar: group, list, row, and what is asked or shown of it."""
    path = context["request"].path
    found = [*_filed(context)]
    home = found[-1].link if found else ""
    original = context.get("original") or context.get("object")
    if isinstance(original, Model):
        found.append(Crumb(getattr(original, "page_title", "") or str(original), _page_of(original)))
    title = str(context.get("title") or "").strip()
    if path not in {home, found[-1].link if found else ""} and title:
        found.append(Crumb(title))
    if not found:
        return [Crumb(title)] if title else []
    return [*found[:-1], Crumb(found[-1].title)]


@register.simple_tag(takes_context=True)
def page_title(context: RequestContext) -> str:
    """What the browser's tab says: the page first, the product last."""
    *way, page = crumbs(context) or [Crumb("")]
    lists = [crumb.title for crumb in way if crumb.link]
    names = [page.title, *reversed(lists[-1:])]
    return " · ".join([*names, str(context.get("site_title") or "")])


def _filed(context: RequestContext) -> list[Crumb]:
    """The line of the sidebar that a page belongs to, after its group where that is called otherwise. Lists without a line of
    their own stand under their app's name, which is the group's."""
    path = context["request"].path
    overview = reverse("admin:index")
    lines = [
        (link, group, line)
        for group in context.get("sidebar_navigation") or ()
        for line in group["items"]
        if path.startswith(link := str(line["link"])) and (link != overview or path == overview)
    ]
    if lines:
        link, group, line = max(lines, key=lambda found: len(found[0]))
        own = Crumb(str(line["title"]), link)
        above = str(group.get("title") or "")
        return [Crumb(above), own] if above not in {"", own.title} else [own]
    if opts := context.get("opts"):
        link = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
        return [
            Crumb(str(opts.app_config.verbose_name)),
            Crumb(capfirst(str(opts.verbose_name_plural)), link),
        ]
    return []


def _page_of(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


@register.simple_tag
def active_filters(changelist: Any) -> list[ActiveFilter]:
    """The filters that a list goes by at present, in the words of their choices where they have any."""
    return [
        ActiveFilter(
            title=str(filter_.title),
            value=_chosen(filter_, changelist),
            without=changelist.get_query_string(remove=filter_.expected_parameters()),
        )
        for filter_ in changelist.filter_specs
        if any(value not in (None, "", [], [""]) for value in filter_.used_parameters.values())
    ]


def _chosen(filter_: Any, changelist: Any) -> str:
    for choice in filter_.choices(changelist):
        if choice.get("selected") and choice.get("display"):
            return str(choice["display"])
    values = (value for value in filter_.used_parameters.values() if value)
    return " – ".join(str(value[-1] if isinstance(value, list) else value) for value in values)


@register.simple_tag
def row_menu(changelist: Any, row: Model, actions: Iterable[Mapping[str, Any]]) -> SafeString:
    """The menu of a row, with those of a list's actions that do something for it; empty without any. Made here: a template would
    take its time with each action of each row."""
    prefix = f"admin:{changelist.opts.app_label}_{changelist.opts.model_name}_"
    admin = changelist.model_admin
    named = [(action["raw_path"].removeprefix(prefix), action) for action in actions]
    offered = tuple(
        (action["raw_path"], action["icon"], str(admin.action_title(name, row, action["title"])))
        for name, action in named
        if admin.fits(name, row)
    )
    if not offered:
        return SafeString("")
    words = gettext("Actions for %(name)s") % {"name": row}
    links = _links(offered, get_script_prefix()).replace(PLACE, escape(quoted(row.pk)))
    return format_html(ROW_MENU, row.pk, words, SafeString(links))


# Most rows of a list are offered the same.
@lru_cache(maxsize=256)
def _links(offered: tuple[tuple[str, str | None, str], ...], _prefix: str) -> str:
    symbol = '<span class="material-symbols-outlined" aria-hidden="true">{}</span>'
    return format_html_join(
        "",
        '<a href="{}">{}{}</a>',
        (
            (page(PLACE, route), format_html(symbol, icon) if icon else "", title)
            for route, icon, title in offered
        ),
    )


@register.simple_tag
def add_words(name: object) -> str:
    """What adding one is called."""
    return adding(str(name))


@register.simple_tag
def choice_tags(groups: Iterable[tuple[str | None, list[Mapping[str, Any]], int]]) -> SafeString:
    """The choices of a select field: a template would take its time with each of a thousand."""
    return SafeString("".join(part for name, options, _index in groups for part in _choices(name, options)))


def _choices(group: str | None, options: list[Mapping[str, Any]]) -> Iterator[str]:
    if group:
        yield format_html('<optgroup label="{}">', group)
    for option in options:
        chosen = " selected" if option["selected"] else ""
        yield f'<option value="{escape(str(option["value"]))}"{chosen}>{conditional_escape(option["label"])}</option>'
    if group:
        yield "</optgroup>"


@register.simple_tag
def filter_links(choices: Iterable[Mapping[str, Any]]) -> SafeString:
    """The choices of a list's filter, for the same reason."""
    return SafeString("".join(_filter_link(choice) for choice in choices))


def _filter_link(choice: Mapping[str, Any]) -> str:
    current = ' aria-current="true"' if choice["selected"] else ""
    address = escape(iri_to_uri(choice["query_string"]))
    return f'<li><a href="{address}"{current}>{conditional_escape(choice["display"])}</a></li>'
