"""Whether an app may refresh user access tokens: a switch in the developer console, which no API tells."""

from django.db.models import Q

from auth_sessions.enums import RefreshOutcome
from auth_sessions.models import RefreshAttempt
from bots.doctor.portal import REFRESH_OFF
from bots.models import Bot


def may_refresh(bot: Bot) -> bool | None:
    """As the latest refresh showed that says anything about it; None where there was none."""
    telling = RefreshAttempt.objects.filter(
        Q(outcome=RefreshOutcome.OK) | Q(code=REFRESH_OFF), token__bot=bot
    )
    latest = telling.order_by("-claimed_at").first()
    return None if latest is None else latest.code != REFRESH_OFF
