"""The overview's panel of bots whose checklist has open rows; empty where there are none."""

import hashlib
from typing import Final

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from bots.doctor.checklist import OpenBot, bots_with_open_rows
from bots.doctor.findings import TITLES
from core.access.models import User
from core.console.overview import MAX_ENTRIES, Entry, Headline, Severity
from core.console.sentences import in_language

MAX_NAMED: Final = 3
"""Rows of a bot that are named."""


def open_bots(user: User) -> list[OpenBot]:
    """Those that the panel has room for."""
    return bots_with_open_rows(user, MAX_ENTRIES)


def headline(found: list[OpenBot]) -> list[Headline]:
    """What the overview's first line says of them, if there are any."""
    if not found:
        return []
    if len(found) == 1:
        sentence = gettext("“%(bot)s” is not set up completely") % {"bot": found[0].bot.name}
    else:
        sentence = gettext("“%(bot)s” and other bots are not set up completely") % {"bot": found[0].bot.name}
    address = reverse("admin:bots_bot_change", args=[found[0].bot.pk])
    return [Headline(Severity.ATTENTION, sentence, f"{address}#checklist")]


def live_panel(found: list[OpenBot]) -> SafeString:
    """The panel; a page that has ``badges.js`` keeps it up to date."""
    return format_html('<div data-live-setup data-digest="{}">{}</div>', digest(found), drawn(found))


def drawn(found: list[OpenBot]) -> SafeString:
    """What stands in the panel's place."""
    return render_to_string("admin/bots/bot/setup_panel.html", {"entries": [_entry(one) for one in found]})


def digest(found: list[OpenBot]) -> str:
    """Of everything that it shows and that does not change by itself."""
    facts = repr([(one.bot.pk, one.bot.name, one.checks, one.since) for one in found])
    return hashlib.blake2s(facts.encode(), digest_size=8).hexdigest()


def _entry(one: OpenBot) -> Entry:
    named = gettext(", ").join(in_language(TITLES[check]) for check in one.checks[:MAX_NAMED])
    if len(one.checks) > MAX_NAMED:
        named = gettext("%(names)s and others") % {"names": named}
    count = ngettext("%(count)d thing to set right", "%(count)d things to set right", len(one.checks))
    address = reverse("admin:bots_bot_change", args=[one.bot.pk])
    return Entry(
        one.bot.name,
        named,
        f"{address}#checklist",
        kind=count % {"count": len(one.checks)},
        at=one.since,
    )
