"""A deleted bot's events and their counts, which go with it batch by batch."""

from bots.models import Bot
from bots.removal import removal_step
from core.database.batches import delete_in_batches
from events.log.deletion import BATCH, delete_events
from events.models import Event, EventCount


@removal_step
def clear_events(bot: Bot) -> bool:
    """Delete one batch of the bot's events; True when none is left."""
    events = Event.objects.filter(bot=bot).order_by("pk")
    return delete_in_batches(events, size=BATCH, seconds=0, delete=delete_events).is_all


@removal_step
def clear_counts(bot: Bot) -> bool:
    """Delete one batch of the bot's counts; True when none is left."""
    return delete_in_batches(EventCount.objects.filter(bot=bot).order_by("pk"), seconds=0).is_all
