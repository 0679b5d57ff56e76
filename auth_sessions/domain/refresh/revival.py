"""Refreshing because an operator asks for it: at once where nothing speaks against it, and also where the portal had given up."""

from enum import StrEnum

from django.db import transaction
from django.utils import timezone

from auth_sessions.domain.refresh.schedule import next_reminder
from auth_sessions.enums import KNOWN_OUTCOMES, RefreshOutcome, RefreshPhase, TokenStatus
from auth_sessions.models import RefreshAttempt, UserToken
from auth_sessions.notify import notify_refresh
from core.access import audit
from core.access.actors import Actor
from core.vault.fields import encrypted_field


class RefreshNow(StrEnum):
    """What comes of the request."""

    DUE = "due"
    LATER = "later"
    """The outcome of the last refresh is unknown: it is probed when the access token is over, and not while that is valid."""
    UNDER_WAY = "under_way"
    REFUSED = "refused"
    """The platform has refused the refresh token, so it is never sent again."""
    OVER = "over"
    """There is no refresh token, or its life has ended."""


@transaction.atomic
def refresh_now(grant: UserToken, *, actor: Actor) -> RefreshNow:
    """Make the grant due, whatever pause it is in. One that the portal had given up, though the platform never said that its
    refresh token is dead, is active again and probed."""
    grant = (
        UserToken.objects.select_related("bot").select_for_update(no_key=True, of=("self",)).get(pk=grant.pk)
    )
    if grant.phase in {RefreshPhase.CLAIMED, RefreshPhase.SENDING}:
        return RefreshNow.UNDER_WAY
    if grant.status != TokenStatus.ACTIVE:
        obstacle = obstacle_to_revival(grant)
        if obstacle is not None:
            return obstacle
        _revive(grant, actor)
    elif not encrypted_field(UserToken, "refresh_token").is_set(grant):
        return RefreshNow.OVER
    now = timezone.now()
    is_uncertain = grant.phase != RefreshPhase.IDLE
    due_at = max(now, grant.access_expires_at) if is_uncertain else now
    UserToken.objects.filter(pk=grant.pk).update(next_refresh_at=due_at, next_attempt_at=None)
    if due_at > now:
        return RefreshNow.LATER
    notify_refresh()
    return RefreshNow.DUE


def obstacle_to_revival(grant: UserToken) -> RefreshNow | None:
    """Why a grant that is not active any more cannot be refreshed; None where it can be tried."""
    end = grant.refresh_expires_at or grant.reauthorize_by
    is_held = encrypted_field(UserToken, "refresh_token").is_set(grant)
    if grant.status == TokenStatus.REVOKED or not is_held or end <= timezone.now():
        return RefreshNow.OVER
    verdicts = RefreshAttempt.objects.filter(
        token=grant, generation=grant.generation, outcome__in=KNOWN_OUTCOMES
    )
    is_refused = grant.last_outcome == RefreshOutcome.DEAD_USER or verdicts.exists()
    return RefreshNow.REFUSED if is_refused else None


def _revive(grant: UserToken, actor: Actor) -> None:
    following = next_reminder(
        reauthorize_by=grant.reauthorize_by,
        refresh_expires_at=grant.refresh_expires_at,
        after=timezone.now(),
    )
    UserToken.objects.filter(pk=grant.pk).update(
        status=TokenStatus.ACTIVE,
        phase=RefreshPhase.UNCERTAIN,
        attempts=0,
        next_reminder_at=following,
    )
    audit.record(actor=actor, action="user_token.revived", bot=grant.bot, target=grant.open_id)
