"""What is kept of people's authorizations, cleared away when their bot is deleted."""

from typing import TYPE_CHECKING, Any

from django.db import transaction

from auth_sessions.models import AuthSession, RefreshAttempt, Revocation, SelfServiceLink, TokenUse, UserToken
from bots.models import Bot
from bots.removal import removal_step

if TYPE_CHECKING:
    from django.db.models import QuerySet

CHUNK = 1_000  # rows in one transaction


@removal_step
def clear_authorizations(bot: Bot) -> bool:
    """Delete a chunk of what refers to grants, and of the grants themselves at last; True when nothing is left."""
    kept: tuple[QuerySet[Any], ...] = (
        TokenUse.objects.filter(bot=bot),
        SelfServiceLink.objects.filter(bot=bot),
        RefreshAttempt.objects.filter(token__bot=bot),
        Revocation.objects.filter(grant__bot=bot),
        AuthSession.objects.filter(bot=bot),
        UserToken.objects.filter(bot=bot),
    )
    for rows in kept:
        with transaction.atomic():
            pks = list(rows.order_by("pk").values_list("pk", flat=True)[:CHUNK])
            rows.model.objects.filter(pk__in=pks).delete()
        if len(pks) == CHUNK:
            return False
    return True
