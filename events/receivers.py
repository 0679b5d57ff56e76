"""What the events app does when something happens to rows of others."""

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from bots.models import Bot
from events.models import BotQueue


@receiver(post_save, sender=Bot, dispatch_uid="events.queue_of_new_bot")
def add_queue(instance: Bot, *, created: bool, raw: bool = False, **_kwargs: Any) -> None:
    """Every bot has a queue."""
    if created and not raw:
        BotQueue.objects.get_or_create(bot=instance)
