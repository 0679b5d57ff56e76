"""Whether an app may refresh user access tokens: a switch in the developer console that no API reports."""

from django.db.models import Q

from auth_sessions.enums import RefreshOutcome
from auth_sessions.models import RefreshAttempt
from bots.doctor.portal import REFRESH_OFF
from bots.models import Bot


def may_refresh(bot: Bot) -> bool | None:
    """By the latest refresh that shows it; None where none did."""
    decisive = RefreshAttempt.objects.filter(
        Q(outcome=RefreshOutcome.OK) | Q(code=REFRESH_OFF), token__bot=bot
    )
    latest = decisive.order_by("-claimed_at").first()
    return None if latest is None else latest.code != REFRESH_OFF
