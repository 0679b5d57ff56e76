"""How long the rows of this app are kept, and which of them are needed for longer."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from auth_sessions.domain.agents import registration
from auth_sessions.enums import OPEN_STATES, STILL_USABLE, Notice, RevocationState
from auth_sessions.models import (
    AgentConsent,
    AgentToken,
    Answered,
    AuthSession,
    Campaign,
    ConnectedAgent,
    OperatorSignIn,
    RefreshAttempt,
    Revocation,
    SelfServiceLink,
    TokenUse,
)
from bots.enums import MOVING_MAILINGS, MailingState
from core.database.retention import Overdue

LINKS_KEPT: Final = timedelta(days=1)
"""After they ended. A self-service link lives for minutes and tells an operator nothing."""
DRAFTS_KEPT: Final = timedelta(days=14)
"""Campaigns that nobody sent, after their people were looked up."""
ANSWERED_KEPT: Final = timedelta(days=30)
"""Twice as long as a message can be edited. After that a person may be shown again what the bot understands."""


def overdue() -> Overdue:
    """Rows that have had their time."""
    now = timezone.now()
    sessions_kept = timedelta(days=settings.AUTH_SESSION_DAYS)
    uses_kept = timedelta(days=settings.TOKEN_USE_DAYS)
    return {
        "token uses": TokenUse.objects.filter(at__lt=now - uses_kept).order_by("at"),
        "refresh attempts": _refresh_attempts(now - timedelta(days=settings.REFRESH_ATTEMPT_DAYS)),
        "authorization sessions": _sessions(now - sessions_kept),
        "campaigns": _campaigns(now - timedelta(days=settings.CAMPAIGN_DAYS), now - DRAFTS_KEPT),
        "revocations": _revocations(now - timedelta(days=settings.REVOCATION_DAYS)),
        "self-service links": SelfServiceLink.objects.filter(expires_at__lt=now - LINKS_KEPT).order_by(
            "expires_at"
        ),
        "sign-ins by the platform": OperatorSignIn.objects.filter(expires_at__lt=now).order_by("expires_at"),
        "requests of agents": AgentConsent.objects.filter(expires_at__lt=now).order_by("expires_at"),
        "tokens of agents": AgentToken.objects.filter(expires_at__lt=now).order_by("expires_at"),
        "connected agents": ConnectedAgent.objects.filter(expires_at__lt=now - sessions_kept).order_by(
            "expires_at"
        ),
        "registrations of agents": registration.overdue(),
        "answered messages": Answered.objects.filter(at__lt=now - ANSWERED_KEPT).order_by("at"),
    }


def _refresh_attempts(limit: datetime) -> QuerySet[RefreshAttempt]:
    """Attempts are the journal by which no refresh token is submitted twice, so what counts is not their age alone.

    An attempt of the grant's present generation fingerprints the very refresh token that the grant still holds: as long as
    it may be used up, the attempt stays, however old. The refresh token of an earlier generation is no longer stored.
    A restore brings back grants and journal as they were at one moment, at which this held as well; nothing that was
    pruned later is missing from it. An attempt that is still claimed stays for the worker that takes over the claim, and the
    last one of each grant because the doctor and the console show by it whether refreshing works.
    """
    newer = RefreshAttempt.objects.filter(token=OuterRef("token"), claimed_at__gt=OuterRef("claimed_at"))
    may_be_used_up = Q(sent_at__isnull=False) & ~Q(outcome__in=STILL_USABLE)
    return (
        RefreshAttempt.objects.filter(Exists(newer), claimed_at__lt=limit)
        .exclude(may_be_used_up, generation__gte=F("token__generation"))
        .exclude(claim_id=F("token__claim_id"))
        .order_by("claimed_at")
    )


def _sessions(limit: datetime) -> QuerySet[AuthSession]:
    """Sessions that have ended. Buttons on the card of a deleted one answer that it is no longer valid."""
    ended = AuthSession.objects.filter(finished_at__lt=limit).exclude(state__in=OPEN_STATES)
    return ended.order_by("finished_at")


def _campaigns(ended: datetime, drafted: datetime) -> QuerySet[Campaign]:
    """Campaigns that have ended, or that were never sent, with their people. One whose last card can still be answered is
    younger than any retention."""
    campaigns = Campaign.objects.filter(
        Q(finished_at__lt=ended) | Q(created_at__lt=drafted, state=MailingState.READY)
    )
    return campaigns.exclude(state__in=MOVING_MAILINGS).order_by("created_at", "id")


def _revocations(limit: datetime) -> QuerySet[Revocation]:
    """The last one of a grant stays: revoking again returns it, instead of sending the person a second notice. So do those
    whose withdrawal or notice is pending."""
    newer = Revocation.objects.filter(grant=OuterRef("grant"), at__gt=OuterRef("at"))
    return (
        Revocation.objects.filter(Exists(newer), at__lt=limit)
        .exclude(state=RevocationState.PENDING)
        .exclude(notice=Notice.DUE)
        .order_by("at")
    )
