"""Storing a grant, with the times at which it is due for a refresh or a reminder."""

from datetime import datetime, timedelta

from django.db.models import F

from auth_sessions.domain.refresh.schedule import lifetimes, next_reminder
from auth_sessions.enums import RefreshPhase, RevocationState, TokenStatus
from auth_sessions.models import Revocation, UserToken
from bots.models import Bot
from core.database.text import storable
from core.vault.fields import encrypted_field
from feishu.oauth import TokenSet, UserInfo

MAX_EMAIL = 254
GRANT_LIFE = timedelta(days=365)  # then the platform wants the person's consent again


def store_grant(*, bot: Bot, who: UserInfo, tokens: TokenSet, asked_at: datetime) -> UserToken:
    """Store a new consent over the grant that the person has, if any; call in a transaction. The new generation fences off
    the answer of a refresh that is still in flight."""
    grant, _ = UserToken.objects.select_for_update(no_key=True).get_or_create(
        bot=bot,
        tenant_key=who.tenant_key,
        open_id=who.open_id,
        defaults={
            "generation": 0,
            "access_expires_at": asked_at,
            "authorized_at": asked_at,
            "reauthorize_by": asked_at + GRANT_LIFE,
        },
    )
    grant.bot = bot
    columns = {
        "union_id": who.union_id,
        "user_id": who.user_id or "",
        "email": storable(who.email.lower(), MAX_EMAIL),
        "access_token": _sealed(grant, "access_token", tokens.access_token),
        "refresh_token": _sealed(grant, "refresh_token", tokens.refresh_token or ""),
        "scopes": list(tokens.scopes),
        "generation": F("generation") + 1,
        "authorized_at": asked_at,
        "used_at": asked_at,
        "reauthorize_by": asked_at + GRANT_LIFE,
        "status": TokenStatus.ACTIVE,
        "phase": RefreshPhase.IDLE,
        "claim_id": None,
        "lease_until": None,
        "attempts": 0,
        "next_attempt_at": None,
        "last_outcome": "",
        "last_code": None,
        "last_reason": "",
    }
    times = lifetimes(tokens, asked_at=asked_at, used_at=asked_at)
    reminder = next_reminder(
        reauthorize_by=asked_at + GRANT_LIFE, refresh_expires_at=times["refresh_expires_at"], after=asked_at
    )
    UserToken.objects.filter(pk=grant.pk).update(**columns, **times, next_reminder_at=reminder)
    # To the platform the old and the new consent are one: withdrawing the old token now could end the new grant.
    Revocation.objects.filter(grant=grant, state=RevocationState.PENDING).update(
        state=RevocationState.OVERTAKEN, token=""
    )
    grant.refresh_from_db()
    return grant


def _sealed(grant: UserToken, name: str, plaintext: str) -> str:
    return encrypted_field(UserToken, name).seal_for(grant, plaintext)
