"""Clearing away what belonged to a deleted bot: its events chunk by chunk, then the bot itself."""

import logging
import time

from django.db import transaction

from bots.models import Bot
from events.domain.deletion import CHUNK, delete_events
from events.models import Event

logger = logging.getLogger("events.bot_removal")

BOTS_IN_A_SWEEP = 10
SWEEP_BUDGET = 4.0  # seconds


def clear_away(bot: Bot, *, seconds: float) -> bool:
    """Delete events of a deleted bot for that long; True when they and the bot are gone."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with transaction.atomic():
            pks = list(Event.objects.filter(bot=bot).order_by("pk").values_list("pk", flat=True)[:CHUNK])
            delete_events(pks)
        if len(pks) < CHUNK:
            bot.delete()
            logger.info("bot_cleared_away", extra={"bot": str(bot.pk)})
            return True
    return False


def clear_away_deleted() -> None:
    """Go on with bots that were deleted and are not gone yet."""
    for bot in Bot.with_deleted.exclude(deleted_at=None).order_by("deleted_at")[:BOTS_IN_A_SWEEP]:
        if not clear_away(bot, seconds=SWEEP_BUDGET):
            return
