"""The overview's first line: how everything stands, in one sentence. The tab's title and icon say it, too."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext

from core.console.live.digests import digest_of
from core.database.counts import BoundedCount
from feishu_portal.overview.problems import TONES, Findings

SYMBOLS: Final = {
    "good": "check_circle",
    "attention": "warning",
    "failing": "error",
    "unknown": "pause_circle",
}
ICONS: Final = {"attention": "portal/icon-attention.svg", "failing": "portal/icon-failing.svg"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """``tone`` is good, attention, failing or, where nothing is looked for, unknown. ``problems``: how many there are; the
    worst is ``sentence``, and ``link`` leads to it."""

    tone: str
    sentence: str
    link: str = ""
    problems: int = 0
    others: int = 0
    """Problems that the sentence does not speak of."""
    is_more: bool = False
    """There are more problems than were looked for."""

    @property
    def in_tab(self) -> str:
        """How many problems there are, for the tab's title; empty without any."""
        return str(BoundedCount(self.problems, self.is_more)) if self.problems else ""

    @property
    def besides(self) -> str:
        """How many others there are."""
        return str(BoundedCount(self.others, self.is_more))

    @property
    def icon(self) -> str:
        """The address of the tab's icon."""
        return static(ICONS.get(self.tone, "portal/icon.svg"))

    @property
    def digest(self) -> str:
        return digest_of(self)


def verdict(found: Findings, *, is_passive: bool = False) -> Verdict:
    """The worst of what is wrong; what is silenced does not count. Where the worst is one of several alike, all of them."""
    if is_passive:
        return Verdict(
            "unknown", gettext("The portal is passive: it neither receives events nor refreshes tokens")
        )
    if not found.problems:
        return Verdict("good", _all_well(found.last_problem_at))
    worst, count = found.problems[0], len(found.problems)
    alike = Counter(problem.fact for problem in found.problems)[worst.fact] if worst.together else 1
    sentence = worst.together(alike) if worst.together else worst.sentence
    return Verdict(TONES[worst.severity], sentence, worst.link, count, count - alike, found.is_more)


def _all_well(ended_at: datetime | None) -> str:
    if ended_at is None:
        return gettext("All well")
    return gettext("All well. The last problem ended %(age)s ago") % {"age": timesince(ended_at, depth=1)}


def live_verdict(found: Verdict) -> SafeString:
    """The verdict's line; a page that has ``badges.js`` keeps it up to date."""
    return format_html('<div data-live-verdict data-digest="{}">{}</div>', found.digest, drawn(found))


def drawn(found: Verdict) -> SafeString:
    """What stands in the verdict's place."""
    return render_to_string("admin/verdict.html", {"verdict": found, "icon": SYMBOLS[found.tone]})
