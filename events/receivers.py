"""What the events app does when something happens to rows of others."""

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from bots.models import Bot
from events.models import Lane


@receiver(post_save, sender=Bot, dispatch_uid="events.lane_of_new_bot")
def give_a_lane(instance: Bot, *, created: bool, raw: bool = False, **_kwargs: Any) -> None:
    """Every bot has its place among those that are served."""
    if created and not raw:
        Lane.objects.get_or_create(bot=instance)
