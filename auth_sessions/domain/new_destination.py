"""What becomes of people's authorizations when a bot's platform or its addresses change: none of them goes to the new one."""

from django.utils import timezone

from auth_sessions.campaigns.asking import CAMPAIGNS
from auth_sessions.domain.sessions import cancel_session
from auth_sessions.enums import OPEN_STATES, RefreshOutcome, RevocationState, TokenStatus
from auth_sessions.models import AuthSession, Campaign, RefreshAttempt, Revocation, UserToken
from bots.destinations import on_new_destination
from bots.enums import MOVING_MAILINGS, MailingState
from bots.mailings.service import cancel
from bots.models import Bot
from core.access import audit
from core.access.actors import Actor

UNFINISHED = (*MOVING_MAILINGS, MailingState.READY)
MAX_SESSIONS = 1_000
"""Open sessions that are cancelled with their cards; of more, the secrets alone do not open any longer."""


@on_new_destination
def require_new_consent(bot: Bot, actor: Actor) -> None:
    """Destroy the tokens that the former platform issued, and end what would still bring some: open sessions, refreshes in
    flight, withdrawals. The generation fences off an answer that is under way."""
    now = timezone.now()
    ended = (
        UserToken.objects.filter(bot=bot)
        .exclude(status=TokenStatus.REVOKED)
        .destroy_tokens(TokenStatus.NEEDS_REAUTH, next_reminder_at=now)
    )
    RefreshAttempt.objects.filter(token__bot=bot, outcome__in=("", RefreshOutcome.UNCERTAIN)).update(
        outcome=RefreshOutcome.SUPERSEDED, finished_at=now
    )
    Revocation.objects.filter(grant__bot=bot, state=RevocationState.PENDING).update(
        state=RevocationState.GIVEN_UP, token=""
    )
    for campaign in Campaign.objects.filter(bot=bot, state__in=UNFINISHED):
        cancel(CAMPAIGNS, campaign, actor=actor)
    sessions = AuthSession.objects.filter(bot=bot, state__in=OPEN_STATES).select_related("bot")
    for session in sessions[:MAX_SESSIONS]:
        cancel_session(session, actor=actor)
    if ended:
        audit.record(
            actor=actor, action="user_token.destination_changed", bot=bot, target=bot.name, grants=ended
        )
