"""The events of a bot, cleared away when it is deleted."""

from django.db import transaction

from bots.models import Bot
from bots.removal import clears_away
from events.log.deletion import CHUNK, delete_events
from events.models import Event


@clears_away
def clear_events(bot: Bot) -> bool:
    """Delete a chunk of the bot's events with all that hangs on them; True when nothing is left."""
    with transaction.atomic():
        pks = list(Event.objects.filter(bot=bot).order_by("pk").values_list("pk", flat=True)[:CHUNK])
        delete_events(pks)
    return len(pks) < CHUNK
