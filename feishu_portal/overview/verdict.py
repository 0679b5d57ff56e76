"""The overview's first line: how everything stands, in one sentence. The tab's title and icon say it, too."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext

from bots.admin.setup_panel import headline, open_bots
from core.access.models import User
from core.console.overview import Headline, Severity, Standing, sections
from core.installation.watch import watch

TONES: Final = {Severity.FAILING: "failing", Severity.ATTENTION: "attention"}
SYMBOLS: Final = {
    "good": "check_circle",
    "attention": "warning",
    "failing": "error",
    "unknown": "pause_circle",
}
ICONS: Final = {"attention": "portal/icon-attention.svg", "failing": "portal/icon-failing.svg"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """``tone`` is good, attention, failing or, where nothing is looked for, unknown. ``problems``: how many headlines there are; the
    worst is ``sentence``, and ``link`` leads to it."""

    tone: str
    sentence: str
    link: str = ""
    problems: int = 0

    @property
    def icon(self) -> str:
        """The address of the tab's icon."""
        return static(ICONS.get(self.tone, "portal/icon.svg"))

    @property
    def digest(self) -> str:
        return hashlib.blake2s(repr(self).encode(), digest_size=8).hexdigest()


def verdict_for(user: User) -> Verdict:
    """The verdict on what an operator may see."""
    standings = (section.standing(user) for section in sections())
    return verdict(standings, others=headline(open_bots(user)), is_passive=watch.last.is_passive)


def verdict(
    standings: Iterable[Standing], *, others: Iterable[Headline] = (), is_passive: bool = False
) -> Verdict:
    """``others``: headlines of no app. Of equal ones the first counts, so that apps stand in the order of their weight."""
    if is_passive:
        return Verdict(
            "unknown", gettext("The portal is passive: it neither receives events nor refreshes tokens")
        )
    standings = list(standings)
    headlines = [headline for standing in standings for headline in standing.headlines] + list(others)
    if headlines:
        worst = max(headlines, key=lambda headline: headline.severity)
        return Verdict(TONES[worst.severity], worst.sentence, worst.link, len(headlines))
    return Verdict(
        "good", _all_well([standing.last_problem_at for standing in standings if standing.last_problem_at])
    )


def _all_well(ends: list[datetime]) -> str:
    if not ends:
        return gettext("All well")
    return gettext("All well. The last problem ended %(age)s ago") % {"age": timesince(max(ends), depth=1)}


def live_verdict(found: Verdict) -> SafeString:
    """The verdict's line; a page that has ``badges.js`` keeps it up to date."""
    return format_html('<div data-live-verdict data-digest="{}">{}</div>', found.digest, drawn(found))


def drawn(found: Verdict) -> SafeString:
    """What stands in the verdict's place."""
    return render_to_string("admin/verdict.html", {"verdict": found, "icon": SYMBOLS[found.tone]})
