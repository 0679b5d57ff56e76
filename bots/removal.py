"""Clearing away what belonged to a deleted bot, chunk by chunk: what other apps keep of it, then the bot itself."""

import logging
import time
from collections.abc import Callable
from typing import TypeAlias

from bots.models import Bot

logger = logging.getLogger("bots.removal")

AT_ONCE = 2.0  # seconds that whoever deletes a bot may wait
BOTS_IN_A_SWEEP = 10
SWEEP_BUDGET = 4.0  # seconds

Step: TypeAlias = Callable[[Bot], bool]
"""Deletes some rows of a deleted bot; True when none are left."""

_steps: list[Step] = []


def clears_away(step: Step) -> Step:
    """A decorator, for apps that keep many rows for a bot: Django would load all of them to delete them with it."""
    _steps.append(step)
    return step


def clear_away(bot: Bot, *, seconds: float = AT_ONCE) -> bool:
    """Delete rows of a deleted bot for that long; True when they and the bot are gone."""
    deadline = time.monotonic() + seconds
    for step in _steps:
        is_done = False
        while not is_done:
            if time.monotonic() >= deadline:
                return False
            is_done = step(bot)
    bot.delete()
    logger.info("bot_cleared_away", extra={"bot": str(bot.pk)})
    return True


def clear_away_deleted() -> None:
    """Go on with bots that were deleted and are not gone yet."""
    for bot in Bot.with_deleted.exclude(deleted_at=None).order_by("deleted_at")[:BOTS_IN_A_SWEEP]:
        if not clear_away(bot, seconds=SWEEP_BUDGET):
            return
