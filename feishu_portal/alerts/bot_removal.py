"""Removing alerts with their deleted bot."""

from bots.models import Bot
from bots.removal import removal_step
from core.database.batches import delete_in_batches
from feishu_portal.alerts.models import AlertGroup


@removal_step
def remove_alerts(bot: Bot) -> bool:
    """Delete a batch of the bot's alert groups; True when none are left. Its receivers are few, and go with it."""
    return delete_in_batches(AlertGroup.objects.filter(bot=bot).order_by("pk"), seconds=0).is_all
