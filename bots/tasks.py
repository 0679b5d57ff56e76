"""Celery tasks: a few lines each, primitives only."""

from uuid import UUID

from celery import shared_task

from bots.domain import incidents, notices, platform_count
from bots.domain.losses import prune_losses
from bots.domain.messages import prune_sendings
from bots.domain.removal import clear_away_deleted
from feishu_portal.access.hints import send_hint


@shared_task(name="bots.prune")
def prune() -> None:
    prune_losses()
    prune_sendings()
    incidents.prune()


@shared_task(name="bots.clear_away")
def clear_away() -> None:
    clear_away_deleted()


@shared_task(name="bots.watch")
def watch() -> None:
    """What nobody but the rows asks for: counts that are due, incidents, and notices of them."""
    for bot_id in platform_count.due_bots():
        send_hint(look.delay, str(bot_id))
    incidents.watch()
    for user_id, channel in notices.due_people():
        send_hint(tell.delay, user_id, channel)


@shared_task(name="bots.look")
def look(bot_id: str) -> None:
    platform_count.look(UUID(bot_id))


@shared_task(name="bots.tell")
def tell(user_id: int, channel: str) -> None:
    notices.tell(user_id, channel)
