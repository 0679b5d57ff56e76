"""Grants and sessions of a database that was restored: what the portal did with them since is not in it.

The refresh token of a grant may have been exchanged since, and the platform takes each once. Nobody can tell without sending
it; so every grant counts as one whose outcome is unknown: its access token is served until its end and its refresh token is
probed after that, once, flagged, and within the rate of its app. What was to be sent to people may have been sent.
"""

from typing import Final

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest
from django.utils import timezone

from auth_sessions.domain.refresh.schedule import next_reminder
from auth_sessions.enums import (
    Notice,
    RefreshOutcome,
    RefreshPhase,
    RevocationState,
    SessionState,
    TokenStatus,
)
from auth_sessions.models import (
    AuthSession,
    DeviceConsent,
    RefreshAttempt,
    Revocation,
    SelfServiceLink,
    UserToken,
)
from feishu.reasons import Reason

BATCH: Final = 500


def put_grants_in_doubt() -> int:
    """Make every grant one to probe when its access token is over; returns how many."""
    now = timezone.now()
    with transaction.atomic():
        unfinished = RefreshAttempt.objects.filter(outcome="")
        unfinished.update(outcome=RefreshOutcome.UNCERTAIN, finished_at=now, reason=Reason.RESTORED)
        return UserToken.objects.refreshable().update(
            phase=RefreshPhase.UNCERTAIN,
            claim_id=None,
            lease_until=None,
            attempts=0,
            next_refresh_at=Greatest(F("access_expires_at"), now),
            next_attempt_at=None,
            last_outcome=RefreshOutcome.UNCERTAIN,
            last_code=None,
            last_reason=Reason.RESTORED,
        )


def skip_reminders() -> int:
    """Skip the reminders that are due, and what people were to be told of revocations; returns how many."""
    now = timezone.now()
    due = UserToken.objects.filter(next_reminder_at__lte=now)
    skipped = Revocation.objects.filter(notice=Notice.DUE).update(notice=Notice.NONE)
    skipped += due.exclude(status=TokenStatus.ACTIVE).update(next_reminder_at=None)
    while batch := list(due[:BATCH]):
        with transaction.atomic():
            for grant in batch:
                following = next_reminder(
                    reauthorize_by=grant.reauthorize_by,
                    refresh_expires_at=grant.refresh_expires_at,
                    after=now,
                )
                UserToken.objects.filter(pk=grant.pk).update(next_reminder_at=following)
        skipped += len(batch)
    return skipped


def end_open_sessions() -> int:
    """End authorization sessions that were open, and links that were: their cards may show another end by now, and are left
    as they are. Returns how many sessions."""
    now = timezone.now()
    with transaction.atomic():
        DeviceConsent.objects.filter(session__in=AuthSession.objects.open()).update(
            device_code="", user_code="", verification_uri="", needs_code=False, next_poll_at=None
        )
        ended = AuthSession.objects.open().update(state=SessionState.EXPIRED, finished_at=now)
        AuthSession.objects.exclude(message_id="").exclude(card_state=F("state")).update(card_given_up=True)
        SelfServiceLink.objects.filter(expires_at__gt=now).update(expires_at=now)
    return ended


def destroy_grants() -> int:
    """For a copy that goes its own way: destroy every token, and withdraw none at the platform, where they are the
    original's. Returns how many grants."""
    with transaction.atomic():
        Revocation.objects.filter(state=RevocationState.PENDING).update(
            state=RevocationState.GIVEN_UP, token=""
        )
        held = UserToken.objects.exclude(Q(access_token="") & Q(refresh_token=""))
        return held.destroy_tokens(TokenStatus.REVOKED, next_reminder_at=None)
