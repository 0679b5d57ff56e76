"""The messages for pages that show labels and checklists of bots, or the overview's first line: what is different now."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from django.db.models import Q

from bots.admin import checklist as checklist_page
from bots.admin.badges import badge_since, digest
from bots.admin.bot_form import SECRETS
from bots.connections.status import statuses
from bots.doctor.checklist import checklist
from bots.live_updates import BOTS, SLOTS
from bots.models import Bot, BotQuerySet
from core.access.models import User
from core.console.live import ANYTHING, Changes
from core.console.live.feeds import Feed
from core.console.live.viewers import Viewer
from core.installation.watch import watch
from events.log.history import Window
from feishu_portal.overview import figures, problems
from feishu_portal.overview.problems import Findings, findings
from feishu_portal.overview.verdict import drawn, verdict

MOST = 500
"""Labels on one page."""
MOST_CHECKLISTS = 5
"""On one page; each takes a few queries of its own."""
FINDINGS_EVERY = 10.0
"""Seconds between two readings of all that is wrong, for the verdict and the list of problems."""
FIGURES_EVERY = 10.0
"""Seconds between two readings of the event figures: they are counted as often."""


class BadgesFeed(Feed):
    """The page sends ``{"badges": {bot id: digest}}``, with ``checklists`` {bot id: digest}, ``figures`` {span, bot, digest},
    and ``verdict`` and ``problems``, the overview's digests, where it shows those. It gets ``badges`` and ``checklists`` {bot
    id: {html, digest}}, ``figures`` and ``problems`` {html, digest} and ``verdict`` {html, digest, problems, icon}."""

    topics = (BOTS, SLOTS)

    def start(self, handshake: Any) -> None:
        self._badges = _digests(handshake["badges"], MOST)
        self._checklists = _digests(handshake.get("checklists", {}), MOST_CHECKLISTS)
        self._verdict = str(handshake["verdict"]) if handshake.get("verdict") else None
        self._problems = str(handshake["problems"]) if handshake.get("problems") else None
        self._findings_due = 0.0
        self._figures = _ShownFigures.of(handshake["figures"]) if handshake.get("figures") else None
        self._figures_due = 0.0

    def read(self, viewer: Viewer, changes: Changes) -> Iterable[dict[str, Any]]:
        badges = self._badge_news(viewer.user, changes)
        if badges:
            yield {"type": "badges", "badges": badges}
        checklists = self._checklist_news(viewer.user, changes)
        if checklists:
            yield {"type": "checklists", "checklists": checklists}
        shows_findings = self._verdict is not None or self._problems is not None
        if shows_findings and time.monotonic() >= self._findings_due:
            self._findings_due = time.monotonic() + FINDINGS_EVERY
            found = findings(viewer.user)
            yield from self._verdict_news(found)
            yield from self._problem_news(found, viewer.user)
        if self._figures is not None and time.monotonic() >= self._figures_due:
            self._figures_due = time.monotonic() + FIGURES_EVERY
            yield from self._figures_news(viewer.user, self._figures)

    def _figures_news(self, user: User, shown: "_ShownFigures") -> Iterable[dict[str, Any]]:
        found = figures.read(user, shown.window, bot=shown.bot)
        if found is not None and shown.digest != (now := figures.digest(found)):
            shown.digest = now
            yield {"type": "figures", "figures": {"html": figures.drawn(found), "digest": now}}

    def _verdict_news(self, found: Findings) -> Iterable[dict[str, Any]]:
        now = verdict(found, is_passive=watch.last.is_passive)
        if self._verdict is not None and self._verdict != now.digest:
            self._verdict = now.digest
            news = {"html": drawn(now), "digest": now.digest, "problems": now.in_tab, "icon": now.icon}
            yield {"type": "verdict", "verdict": news}

    def _problem_news(self, found: Findings, user: User) -> Iterable[dict[str, Any]]:
        now = problems.digest(found, user)
        if self._problems is not None and self._problems != now:
            self._problems = now
            yield {"type": "problems", "problems": {"html": problems.drawn(found, user), "digest": now}}

    def _badge_news(self, user: User, changes: Changes) -> dict[str, dict[str, str]]:
        news = {}
        for status in statuses(list(_changed(user, self._badges, changes).defer(*SECRETS))):
            key, now = str(status.bot.pk), digest(status)
            if self._badges[key] != now:
                self._badges[key] = now
                news[key] = {"html": badge_since(status), "digest": now}
        return news

    def _checklist_news(self, user: User, changes: Changes) -> dict[str, dict[str, str]]:
        if not self._checklists:
            return {}
        news = {}
        for bot in _changed(user, self._checklists, changes):
            key, found = str(bot.pk), checklist(bot)
            now = checklist_page.digest(found)
            if self._checklists[key] != now:
                self._checklists[key] = now
                news[key] = {"html": checklist_page.drawn(found), "digest": now}
        return news


@dataclass(slots=True)
class _ShownFigures:
    """Which figures the page shows: of a bot, or of all; ``digest`` is that of what it shows."""

    window: Window
    bot: UUID | None
    digest: str

    @classmethod
    def of(cls, said: dict[str, Any]) -> Self:
        bot = said.get("bot")
        return cls(
            figures.window_named(str(said["span"])), UUID(str(bot)) if bot else None, str(said["digest"])
        )


def _digests(shown: dict[str, str], most: int) -> dict[str, str]:
    if len(shown) > most:
        raise ValueError("too many")
    return {str(UUID(key)): str(known) for key, known in shown.items()}


def _changed(user: User, shown: Iterable[str], changes: Changes) -> BotQuerySet:
    """The bots of a page that may have changed, as far as the operator may see them."""
    bots = Bot.objects.visible_to(user).filter(pk__in=shown)
    bot_keys, slot_keys = changes.of(BOTS), changes.of(SLOTS)
    if bot_keys is ANYTHING or slot_keys is ANYTHING:
        return bots
    return bots.filter(Q(pk__in=bot_keys) | Q(slots__in=slot_keys)).distinct()
