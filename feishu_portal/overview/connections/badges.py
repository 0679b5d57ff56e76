"""The messages for pages that show labels about bots: those labels that are different now."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Q

from bots.admin.badges import badge_since, digest
from bots.admin.bot_form import SECRETS
from bots.connections.status import statuses
from bots.live_updates import BOTS, SLOTS
from bots.models import Bot
from core.console.live import ANYTHING, Changes
from core.console.live.feeds import Feed
from core.console.live.viewers import Viewer

MOST = 500
"""Labels on one page."""


class BadgesFeed(Feed):
    """The page sends ``{"badges": {bot id: digest}}`` and gets ``badges`` {bot id: {html, digest}}."""

    topics = (BOTS, SLOTS)

    def start(self, handshake: Any) -> None:
        self._badges = {str(UUID(key)): str(known) for key, known in handshake["badges"].items()}
        if len(self._badges) > MOST:
            raise ValueError("too many")

    def read(self, viewer: Viewer, changes: Changes) -> Iterable[dict[str, Any]]:
        bots = Bot.objects.visible_to(viewer.user).filter(pk__in=self._badges).defer(*SECRETS)
        bot_keys, slot_keys = changes.of(BOTS), changes.of(SLOTS)
        if bot_keys is not ANYTHING and slot_keys is not ANYTHING:
            bots = bots.filter(Q(pk__in=bot_keys) | Q(slots__in=slot_keys)).distinct()
        news = {}
        for status in statuses(list(bots)):
            key, now = str(status.bot.pk), digest(status)
            if self._badges[key] != now:
                self._badges[key] = now
                news[key] = {"html": badge_since(status), "digest": now}
        return [{"type": "badges", "badges": news}] if news else []
