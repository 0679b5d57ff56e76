"""How many events a second a process takes for one bot."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from core.background.pace import Pace, steady_now

if TYPE_CHECKING:
    from datetime import datetime


class BotRates:
    """The rates of one event loop: FEISHU_WEBHOOK_BOT_RATE for each bot, as many at once as in a second."""

    def __init__(self) -> None:
        self._next: dict[UUID, datetime] = {}
        """As many as there are bots: only proven requests come here."""

    def take(self, bot_id: UUID) -> bool:
        """Count an event; False where it is too many."""
        now, next_start = steady_now(), self._next.get(bot_id)
        pace = Pace(settings.WEBHOOK_BOT_RATE)
        if not pace.allowed(next_start, now):
            return False
        self._next[bot_id] = pace.after(next_start, now, 1)
        return True
