"""What a person granted: stored, and due for refresh at half of its life."""

import random
from datetime import datetime, timedelta

from django.db.models import F

from auth_sessions.enums import RefreshPhase, TokenStatus
from auth_sessions.models import UserToken
from bots.models import Bot
from feishu.oauth import TokenSet, UserInfo
from feishu_portal.access.fields import encrypted_field
from feishu_portal.access.storable import storable

MAX_NAME = 200
GRANT_LIFE = timedelta(days=365)  # after that the platform asks the person again
MAX_LIFE = timedelta(days=400)  # no token lives longer, whatever an answer says


def refresh_time(tokens: TokenSet, *, asked_at: datetime) -> datetime | None:
    """Half of the access token's life, give or take a tenth, so that tokens of one day do not fall due together."""
    if not tokens.refresh_token:
        return None
    return asked_at + _life(tokens.expires_in) * random.uniform(0.45, 0.55)  # noqa: S311 -- jitter


def lifetimes(tokens: TokenSet, *, asked_at: datetime) -> dict[str, datetime | None]:
    """Column values for what the platform promised, counted from before it was asked."""
    refreshable = tokens.refresh_token and tokens.refresh_token_expires_in
    return {
        "access_expires_at": asked_at + _life(tokens.expires_in),
        "refresh_expires_at": asked_at + _life(tokens.refresh_token_expires_in or 0) if refreshable else None,
        "next_refresh_at": refresh_time(tokens, asked_at=asked_at),
    }


def _life(seconds: int) -> timedelta:
    return timedelta(seconds=min(seconds, MAX_LIFE.total_seconds()))


def store_grant(*, bot: Bot, who: UserInfo, tokens: TokenSet, asked_at: datetime) -> UserToken:
    """Store a fresh consent over whatever was there; call in a transaction. The new generation makes the answer of a
    refresh that is still under way count for nothing."""
    grant, _ = UserToken.objects.select_for_update().get_or_create(
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
    columns = {
        "union_id": who.union_id,
        "user_id": who.user_id or "",
        "name": storable(who.name or who.en_name, MAX_NAME),
        "access_token": _sealed(grant, "access_token", tokens.access_token),
        "refresh_token": _sealed(grant, "refresh_token", tokens.refresh_token or ""),
        "scopes": list(tokens.scopes),
        "generation": F("generation") + 1,
        "authorized_at": asked_at,
        "reauthorize_by": asked_at + GRANT_LIFE,
        "status": TokenStatus.ACTIVE,
        "phase": RefreshPhase.IDLE,
        "claim_id": None,
        "lease_until": None,
        "attempts": 0,
        "next_try_at": None,
        "last_outcome": "",
        "last_code": None,
    }
    UserToken.objects.filter(pk=grant.pk).update(**columns, **lifetimes(tokens, asked_at=asked_at))
    grant.refresh_from_db()
    return grant


def _sealed(grant: UserToken, name: str, plaintext: str) -> str:
    return encrypted_field(UserToken, name).seal_for(grant, plaintext)
