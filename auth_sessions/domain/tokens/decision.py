"""May this person's access token be used now? Decided here, for handlers, the REST API and the proxy alike."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

from django.utils import timezone

from auth_sessions.domain.refresh.gate import PROBE_EVERY
from auth_sessions.enums import RefreshPhase, TokenStatus
from auth_sessions.models import RefreshGate, UserToken
from bots.errors import BotDisabledError
from core.vault.fields import encrypted_field

CALL_TTL: Final = timedelta(seconds=10)
"""How long the token of a call should last: what a call may take before the platform looks at its token."""
WORTH_WAITING: Final = timedelta(seconds=10)
"""How long callers wait for a refresh."""
SHORTEST_TTL: Final = timedelta(seconds=1)
"""A token that ends sooner is not worth sending."""


class ReauthorizeReason(StrEnum):
    REVOKED = "revoked"
    NEEDS_REAUTH = "needs_reauth"
    """The platform refused the refresh token for good."""
    EXPIRED = "expired"
    """The access token is over, and there is no refresh token."""


@dataclass(frozen=True, slots=True)
class Use:
    """The access token may be used now."""

    grant: UserToken
    ends_soon: bool = False
    """It lasts less long than it should; a refresh that is asked for now may replace it for the next caller."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """No token that lasts long enough, but a refresh may bring one: ask for it and wait, unless it is postponed."""

    grant: UserToken
    postponed_until: datetime | None = field(default=None, compare=False)
    """Nothing is under way, and the next attempt is made then: no use in waiting for it."""


@dataclass(frozen=True, slots=True)
class Reauthorize:
    """No token that lasts long enough before the person authorizes again."""

    grant: UserToken
    reason: ReauthorizeReason


Decision: TypeAlias = Use | Refresh | Reauthorize


def decide(grant: UserToken, *, min_ttl: timedelta) -> Decision:
    """Whether ``grant`` serves a caller who needs its access token for ``min_ttl``. Raises BotDisabledError.

    A token that lasts is served whatever became of its refresh: uncertain, failed for now, or refused for good.
    """
    if not grant.bot.enabled:
        raise BotDisabledError
    if remaining(grant) >= min_ttl:
        return Use(grant)
    if is_refreshable(grant):
        return Refresh(grant, postponed_until(grant) or _end_of_pause(grant))
    over = TokenStatus(grant.status)
    return Reauthorize(
        grant, ReauthorizeReason.EXPIRED if over == TokenStatus.ACTIVE else ReauthorizeReason(over.value)
    )


def decide_for_call(grant: UserToken) -> Decision:
    """Whether one call may be sent with the access token. Raises BotDisabledError.

    A token that ends within seconds is used all the same: should the platform reject it, the call is sent once more.
    """
    decision = decide(grant, min_ttl=CALL_TTL)
    if not isinstance(decision, Use) and remaining(grant) >= SHORTEST_TTL:
        return Use(grant, ends_soon=True)
    return decision


def is_usable(grant: UserToken) -> bool:
    """Whether there is an access token, or a refresh may still bring one: the person need not be asked."""
    return remaining(grant) > timedelta() or is_refreshable(grant)


def remaining(grant: UserToken) -> timedelta:
    """How long the access token lasts; negative where there is none."""
    if grant.status == TokenStatus.REVOKED or not encrypted_field(UserToken, "access_token").is_set(grant):
        return timedelta(seconds=-1)
    return grant.access_expires_at - timezone.now()


def postponed_until(grant: UserToken) -> datetime | None:
    """When the next attempt to refresh is made, where that is later than a caller waits; None where one is due or under way."""
    moment = grant.next_attempt_at
    if grant.phase == RefreshPhase.UNCERTAIN and grant.next_refresh_at is not None:
        moment = max(grant.next_refresh_at, moment or grant.next_refresh_at)
    elif grant.phase != RefreshPhase.IDLE:
        return None
    return moment if moment is not None and moment > timezone.now() + WORTH_WAITING else None


def _end_of_pause(grant: UserToken) -> datetime | None:
    """When the platform is asked next whether it accepts the app again; None where the app is not paused."""
    gate = RefreshGate.objects.filter(pk=grant.bot_id, paused_at__isnull=False).only("probed_at").first()
    if gate is None:
        return None
    now = timezone.now()
    return max(now, (gate.probed_at or now) + PROBE_EVERY)


def is_refreshable(grant: UserToken) -> bool:
    """Whether a refresh may still bring another access token."""
    return (
        grant.status == TokenStatus.ACTIVE
        and grant.phase != RefreshPhase.STOPPED
        and encrypted_field(UserToken, "refresh_token").is_set(grant)
    )
