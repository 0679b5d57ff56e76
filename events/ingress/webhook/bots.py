"""Which bots hear by webhook, and with which secrets: one query every few seconds, however many events come."""

import asyncio
import time
from functools import cached_property
from uuid import UUID

from django.db import connection

from bots.enums import Transport
from bots.models import Bot
from core.database.thread import DatabaseThread
from events.ingress.webhook.verification import Secrets

FRESH_SECONDS = 2.0  # a change in the console takes effect after this long at most


class Door:
    """The address of one bot."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    @property
    def bot_id(self) -> UUID:
        return self._bot.pk

    @property
    def is_open(self) -> bool:
        return self._bot.enabled and self._bot.transport == Transport.WEBHOOK

    @cached_property
    def secrets(self) -> Secrets:
        """Opened once; raises SealedValueError when ENCRYPTION_KEYS does not hold their key."""
        return Secrets(self._bot.encrypt_key, self._bot.verification_token)


class Doors:
    """The doors of all bots, by App ID. All of them at once, so that App IDs a stranger makes up cost no query."""

    def __init__(self) -> None:
        self._database = DatabaseThread("webhook-bots")
        self._lock = asyncio.Lock()
        self._doors: dict[str, Door] = {}
        self._fresh_until = float("-inf")

    async def find(self, app_id: str) -> Door | None:
        """The door of that bot, open or not. Raises django.db.Error when the database is away."""
        if time.monotonic() >= self._fresh_until:
            async with self._lock:
                await self._refresh()
        return self._doors.get(app_id)

    def knows(self, app_id: str) -> bool:
        """Whether there was a bot of that name when somebody looked last."""
        return app_id in self._doors

    async def _refresh(self) -> None:
        asked = time.monotonic()
        if asked < self._fresh_until:  # somebody else did while this one waited for the lock
            return
        self._doors = await self._database.run(_load)
        self._fresh_until = asked + FRESH_SECONDS

    async def close(self) -> None:
        await self._database.close()


def _load() -> dict[str, Door]:
    # As at the start of a request: a connection that broke since the last time is replaced, not tripped over.
    connection.close_if_unusable_or_obsolete()
    bots = Bot.objects.only("app_id", "enabled", "transport", "encrypt_key", "verification_token")
    return {bot.app_id: Door(bot) for bot in bots}
