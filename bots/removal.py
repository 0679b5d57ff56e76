"""Removing what belonged to a deleted bot, batch by batch: the rows that apps keep for it, then the bot itself."""

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from bots.models import (
    BatchRecipient,
    Bot,
    ConnectionLoss,
    Incident,
    MessageBatch,
    Person,
    PersonKey,
    PersonPicture,
    ReplyStream,
    Sending,
)
from core.database.batches import delete_in_batches

if TYPE_CHECKING:
    from django.db.models import QuerySet

logger = logging.getLogger(__name__)

AT_ONCE: Final = 2.0
"""Seconds that the operator who deletes a bot may wait."""
BOTS_IN_SWEEP: Final = 10
SWEEP_SECONDS: Final = 12.0
"""For one bot in one sweep; they are 15 apart."""

Step: TypeAlias = Callable[[Bot], bool]
"""Deletes a batch of rows of a deleted bot; True when none are left."""

_steps: list[Step] = []


def removal_step(step: Step) -> Step:
    """A decorator, for apps that keep many rows for a bot: Django would load all of them to delete them with it."""
    _steps.append(step)
    return step


def remove(bot: Bot, *, seconds: float = AT_ONCE) -> bool:
    """Delete rows of a deleted bot for that long; True when they and the bot are gone."""
    deadline = time.monotonic() + seconds
    for step in _steps:
        is_done = False
        while not is_done:
            if time.monotonic() >= deadline:
                return False
            is_done = step(bot)
    bot.delete()
    logger.info("bot_removed", extra={"bot": str(bot.pk)})
    return True


def is_any_deleted() -> bool:
    """Whether a bot was deleted and is not gone yet."""
    return _deleted().exists()


def remove_deleted_bots() -> None:
    """Go on with bots that were deleted and are not gone yet."""
    for bot in _deleted().order_by("deleted_at")[:BOTS_IN_SWEEP]:
        if not remove(bot, seconds=SWEEP_SECONDS):
            return


def _deleted() -> "QuerySet[Bot]":
    return Bot.with_deleted.exclude(deleted_at=None)


@removal_step
def remove_history(bot: Bot) -> bool:
    """What this app keeps: messages sent by the bot and replies that it streamed, its lost connections, its incidents, and who
    its people are."""
    history: tuple[QuerySet[Any], ...] = (
        BatchRecipient.objects.filter(bot=bot).order_by("target"),
        MessageBatch.objects.filter(bot=bot).order_by("-created_at", "-id"),
        Sending.objects.filter(bot=bot).order_by("pk"),
        ReplyStream.objects.filter(bot=bot).order_by("pk"),
        ConnectionLoss.objects.filter(bot=bot).order_by("at"),
        Incident.objects.filter(bot=bot).order_by("pk"),
        PersonKey.objects.filter(person__bot=bot).order_by("pk"),
        PersonPicture.objects.filter(person__bot=bot).order_by("pk"),
        Person.objects.filter(bot=bot).order_by("open_id"),
    )
    return all(delete_in_batches(rows, seconds=0).is_all for rows in history)
