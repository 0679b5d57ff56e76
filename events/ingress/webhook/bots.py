"""Which bots get their events by webhook, and with which secrets: one query every few seconds, however many events come."""

import asyncio
import logging
import time
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from uuid import UUID

from django.db import Error, connection
from django.utils import timezone

from bots.models import Bot
from core.database.errors import described
from core.database.thread import DatabaseThread
from core.log_pace import THINNED
from core.vault.keyring import SealedValueError
from events.ingress.webhook.verification import Secrets

logger = logging.getLogger(__name__)

FRESH_SECONDS = 2.0
"""A change in the console takes effect after this long at most, while the database answers."""
REFRESH_SECONDS = 0.5
"""What a refresh may take before a request goes on with the bots of the last one, so that callbacks are answered also
while the database is slow."""
KEPT_SECONDS = 60.0
"""After so long without a refresh the bots of the last one are used no more."""
COLUMNS = (
    "app_id",
    "enabled",
    "transport",
    "callback_transport",
    "encrypt_key",
    "verification_token",
    "next_encrypt_key",
    "next_verification_token",
    "rotation_ends_at",
    # The next secrets are sealed for the destination.
    "platform",
    "open_url",
    "accounts_url",
    "proxy_url",
)


class WebhookBot:
    """A bot at its webhook address."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    @property
    def bot_id(self) -> UUID:
        return self._bot.pk

    @property
    def app_id(self) -> str:
        return self._bot.app_id

    @property
    def is_served(self) -> bool:
        """Whether its events, its callbacks or both are to come by webhook. The address takes either: what came by long
        connection already is known by its id."""
        return self._bot.enabled and self._bot.uses_webhook

    @property
    def secrets(self) -> Secrets:
        """Decrypted once; raises SealedValueError when ENCRYPTION_KEYS does not hold the key of the current ones. The next
        ones are among them until their rotation ends, and where they open."""
        return self._current if self.rotation_ends_at is None else self._rotating

    @property
    def rotation_ends_at(self) -> datetime | None:
        """The end of a rotation that is under way."""
        ends_at = self._bot.rotation_ends_at
        return ends_at if ends_at is not None and ends_at > timezone.now() else None

    @cached_property
    def _current(self) -> Secrets:
        return Secrets(self._bot.encrypt_key, self._bot.verification_token)

    @cached_property
    def _rotating(self) -> Secrets:
        try:
            return replace(
                self._current,
                next_encrypt_key=self._bot.next_encrypt_key,
                next_verification_token=self._bot.next_verification_token,
            )
        except SealedValueError as error:
            current = self._current
            logger.warning("next_secrets_sealed", extra={"bot": str(self.bot_id), "error": str(error)})
            return current


class WebhookBots:
    """All bots by App ID, also those of other transports: so App IDs that a stranger makes up cost no query."""

    def __init__(self, database: DatabaseThread) -> None:
        self._database = database
        self._bots: dict[str, WebhookBot] = {}
        self._loading: asyncio.Task[Error | None] | None = None
        self._load_next_at = self._usable_until = float("-inf")

    async def find(self, app_id: str) -> WebhookBot | None:
        """The bot of that App ID, whatever its transport. Raises django.db.Error when the database is away for long."""
        now = time.monotonic()
        is_usable = now < self._usable_until
        if self._loading is None or (self._loading.done() and (now >= self._load_next_at or not is_usable)):
            self._load_next_at = now + FRESH_SECONDS
            self._loading = asyncio.create_task(self._load(), name="webhook-bots")
        if not is_usable:
            if error := await asyncio.shield(self._loading):
                raise error
        elif not self._loading.done():
            await asyncio.wait({self._loading}, timeout=REFRESH_SECONDS)
        return self._bots.get(app_id)

    def known(self, app_id: str) -> WebhookBot | None:
        """The bot of that App ID as it was at the last refresh."""
        return self._bots.get(app_id)

    async def _load(self) -> Error | None:
        """Load them; the error that kept it from that."""
        began = time.monotonic()
        try:
            self._bots = await self._database.run(_load)
        except Error as error:
            logger.warning("webhook_bots_not_loaded", extra=described(error) | THINNED)
            return error
        self._usable_until = began + KEPT_SECONDS
        return None

    def close(self) -> None:
        """Wait for no refresh."""
        if self._loading is not None:
            self._loading.cancel()


def _load() -> dict[str, WebhookBot]:
    # As at the start of a request: a connection that broke since the last time is replaced, not tripped over.
    connection.close_if_unusable_or_obsolete()
    bots = Bot.objects.only(*COLUMNS)
    return {bot.app_id: WebhookBot(bot) for bot in bots}
