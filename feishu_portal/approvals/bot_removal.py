"""Removing approvals with their deleted bot."""

from bots.models import Bot
from bots.removal import removal_step
from core.database.batches import delete_in_batches
from feishu_portal.approvals.models import CallApproval


@removal_step
def remove_approvals(bot: Bot) -> bool:
    """Delete a batch of the bot's approvals; True when none are left."""
    return delete_in_batches(CallApproval.objects.filter(bot=bot).order_by("pk"), seconds=0).is_all
