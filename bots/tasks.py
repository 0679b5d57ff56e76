"""Celery tasks: a few lines each, primitives only."""

from uuid import UUID

from celery import shared_task

from bots.connections import platform_count
from bots.connections.losses import prune_losses
from bots.incidents import detection, notices
from bots.removal import clear_away_deleted
from bots.sending.service import prune_sendings
from core.background.notify import notify


@shared_task(name="bots.prune")
def prune() -> None:
    prune_losses()
    prune_sendings()
    detection.prune()


@shared_task(name="bots.clear_away")
def clear_away() -> None:
    clear_away_deleted()


@shared_task(name="bots.watch")
def watch() -> None:
    """What nobody but the rows asks for: counts that are due, incidents, and notices of them."""
    for bot_id in platform_count.due_bots():
        notify("bots.look", str(bot_id))
    detection.watch()
    for user_id, channel in notices.due_people():
        notify("bots.tell", user_id, channel)


@shared_task(name="bots.look")
def look(bot_id: str) -> None:
    platform_count.look(UUID(bot_id))


@shared_task(name="bots.tell")
def tell(user_id: int, channel: str) -> None:
    notices.tell(user_id, channel)
