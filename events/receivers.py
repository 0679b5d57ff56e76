"""What the events app does when something happens to rows of others."""

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from bots.models import Bot
from bots.signals import bot_deleted
from events.domain.bot_removal import clear_away
from events.models import Lane

AT_ONCE = 2.0  # seconds that whoever deletes a bot may wait


@receiver(post_save, sender=Bot, dispatch_uid="events.lane_of_new_bot")
def give_a_lane(instance: Bot, *, created: bool, raw: bool = False, **_kwargs: Any) -> None:
    """Every bot has its place among those that are served."""
    if created and not raw:
        Lane.objects.get_or_create(bot=instance)


@receiver(bot_deleted, dispatch_uid="events.of_deleted_bot")
def begin_to_clear_away(bot: Bot, **_kwargs: Any) -> None:
    """Most bots have few events and are gone at once; the sweep goes on with the others."""
    clear_away(bot, seconds=AT_ONCE)
