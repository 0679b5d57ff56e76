"""When a grant is due for a refresh: at half of its life while it is used, once a day while it is not.

Each refresh puts the grant at risk for the moment between the platform's answer and our commit, so a grant that nobody
uses is refreshed only as often as its refresh token's life demands.
"""

from datetime import datetime, timedelta

from auth_sessions.models import USED_WITHIN
from core.background.spread import spread
from feishu.oauth import TokenSet

MAX_LIFE = timedelta(days=400)  # of a token, whatever the platform says
KEEP_ALIVE = timedelta(days=1)
BEFORE_REAUTHORIZING = (timedelta(days=30), timedelta(days=7), timedelta(days=1))
BEFORE_REFRESH_ENDS = (timedelta(hours=48), timedelta(hours=12))
JITTER = 0.1  # either way, so that grants of one day do not fall due together


def lifetimes(
    tokens: TokenSet, *, asked_at: datetime, used_at: datetime | None
) -> dict[str, datetime | None]:
    """Column values for the lifetimes that the platform gave, counted from before the call."""
    access_life = _life(tokens.expires_in)
    columns: dict[str, datetime | None] = {
        "access_expires_at": asked_at + access_life,
        "refresh_expires_at": None,
        "half_life_at": None,
        "next_refresh_at": None,
    }
    if not tokens.refresh_token:
        return columns
    half_life_at = asked_at + spread(access_life / 2, by=JITTER)
    idle_at, said = asked_at + spread(KEEP_ALIVE, by=JITTER), tokens.refresh_token_expires_in
    if said:
        columns["refresh_expires_at"] = asked_at + _life(said)
        idle_at = min(idle_at, asked_at + spread(_life(said) / 2, by=JITTER))
    is_used = used_at is not None and used_at > asked_at - USED_WITHIN
    # With an access token that outlives KEEP_ALIVE half of its life is soon enough.
    return columns | {
        "half_life_at": half_life_at,
        "next_refresh_at": half_life_at if is_used else max(half_life_at, idle_at),
    }


def next_reminder(
    *, reauthorize_by: datetime, refresh_expires_at: datetime | None, after: datetime
) -> datetime | None:
    """When the person is reminded next that the grant is about to end; None after the last reminder.

    The end of the refresh token counts only where refreshing fails for days: each refresh moves it away.
    """
    steps = [reauthorize_by - before for before in BEFORE_REAUTHORIZING]
    if refresh_expires_at is not None:
        steps += [refresh_expires_at - before for before in BEFORE_REFRESH_ENDS]
    return min((step for step in steps if step > after), default=None)


def nearing_end(
    *, reauthorize_by: datetime, refresh_expires_at: datetime | None, now: datetime
) -> datetime | None:
    """The end that is near enough for a reminder; None where none is."""
    if refresh_expires_at is not None and now >= refresh_expires_at - BEFORE_REFRESH_ENDS[0]:
        return min(refresh_expires_at, reauthorize_by)
    return reauthorize_by if now >= reauthorize_by - BEFORE_REAUTHORIZING[0] else None


def _life(seconds: int) -> timedelta:
    return timedelta(seconds=min(seconds, MAX_LIFE.total_seconds()))
