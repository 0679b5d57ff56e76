"""The messages for pages that show labels and checklists of bots, or the overview's first line: what is different now."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from django.db.models import Q

from bots.admin import checklist as checklist_page
from bots.admin import setup_panel
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
from events.log.history import Window
from feishu_portal.overview import figures
from feishu_portal.overview.verdict import drawn, verdict_for

MOST = 500
"""Labels on one page."""
MOST_CHECKLISTS = 5
"""On one page; each takes a few queries of its own."""
VERDICT_EVERY = 10.0
"""Seconds between two readings of the verdict, which looks at everything."""
FIGURES_EVERY = 10.0
"""Seconds between two readings of the event figures: they are counted as often."""


class BadgesFeed(Feed):
    """The page sends ``{"badges": {bot id: digest}}``, with ``checklists`` {bot id: digest}, ``figures`` {span, bot, digest},
    and ``setup`` and ``verdict``, the overview's digests, where it shows those. It gets ``badges`` and ``checklists`` {bot id:
    {html, digest}}, ``figures`` and ``setup`` {html, digest} and ``verdict`` {html, digest, problems, icon}."""

    topics = (BOTS, SLOTS)

    def start(self, handshake: Any) -> None:
        self._badges = _digests(handshake["badges"], MOST)
        self._checklists = _digests(handshake.get("checklists", {}), MOST_CHECKLISTS)
        self._setup = str(handshake["setup"]) if handshake.get("setup") else None
        self._verdict = str(handshake["verdict"]) if handshake.get("verdict") else None
        self._verdict_due = 0.0
        self._figures = _ShownFigures.of(handshake["figures"]) if handshake.get("figures") else None
        self._figures_due = 0.0

    def read(self, viewer: Viewer, changes: Changes) -> Iterable[dict[str, Any]]:
        badges = self._badge_news(viewer.user, changes)
        if badges:
            yield {"type": "badges", "badges": badges}
        checklists = self._checklist_news(viewer.user, changes)
        if checklists:
            yield {"type": "checklists", "checklists": checklists}
        if self._setup is not None:
            found = setup_panel.open_bots(viewer.user)
            now = setup_panel.digest(found)
            if self._setup != now:
                self._setup = now
                yield {"type": "setup", "setup": {"html": setup_panel.drawn(found), "digest": now}}
        if self._verdict is not None and time.monotonic() >= self._verdict_due:
            self._verdict_due = time.monotonic() + VERDICT_EVERY
            yield from self._verdict_news(viewer.user)
        if self._figures is not None and time.monotonic() >= self._figures_due:
            self._figures_due = time.monotonic() + FIGURES_EVERY
            yield from self._figures_news(viewer.user, self._figures)

    def _figures_news(self, user: User, shown: "_ShownFigures") -> Iterable[dict[str, Any]]:
        found = figures.read(user, shown.window, bot=shown.bot)
        if found is not None and shown.digest != (now := figures.digest(found)):
            shown.digest = now
            yield {"type": "figures", "figures": {"html": figures.drawn(found), "digest": now}}

    def _verdict_news(self, user: User) -> Iterable[dict[str, Any]]:
        found = verdict_for(user)
        if self._verdict != found.digest:
            self._verdict = found.digest
            news = {
                "html": drawn(found),
                "digest": found.digest,
                "problems": found.problems,
                "icon": found.icon,
            }
            yield {"type": "verdict", "verdict": news}

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
