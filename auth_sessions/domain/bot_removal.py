"""Removing people's authorizations with their deleted bot."""

from typing import TYPE_CHECKING, Any

from auth_sessions.models import (
    AuthSession,
    Campaign,
    CampaignMember,
    OperatorAccount,
    OperatorSignIn,
    RefreshAttempt,
    Revocation,
    SelfServiceLink,
    TokenUse,
    UserToken,
)
from bots.models import Bot
from bots.removal import removal_step
from core.database.batches import delete_in_batches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

BATCH = 1_000  # rows in one transaction


@removal_step
def remove_authorizations(bot: Bot) -> bool:
    """Delete a batch of what refers to grants, or at last of the grants; True when nothing is left."""
    return all(delete_in_batches(rows, size=BATCH, seconds=0).is_all for rows in _rows(bot))


def _rows(bot: Bot) -> "Iterator[QuerySet[Any]]":
    """In no order but that of the index that finds a bot's rows: any other would read everybody's."""
    yield TokenUse.objects.filter(bot=bot).order_by("id")
    yield SelfServiceLink.objects.filter(bot=bot).order_by()
    yield RefreshAttempt.objects.filter(token__bot=bot).order_by()
    yield Revocation.objects.filter(grant__bot=bot).order_by()
    yield CampaignMember.objects.filter(bot=bot).order_by("target")
    yield Campaign.objects.filter(bot=bot).order_by("-created_at", "-id")
    yield AuthSession.objects.filter(bot=bot).order_by("-created_at", "-id")
    yield OperatorSignIn.objects.filter(bot=bot).order_by()
    yield OperatorAccount.objects.filter(bot=bot).order_by()
    yield UserToken.objects.filter(bot=bot).order_by("-authorized_at", "-id")
