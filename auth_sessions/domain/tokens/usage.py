"""Signals from those who use a grant to the refresher, which alone sends refresh tokens."""

from datetime import timedelta

from django.db.models import Case, F, Q, When
from django.utils import timezone

from auth_sessions.enums import RefreshPhase, TokenStatus
from auth_sessions.models import UserToken
from auth_sessions.notify import notify_refresh

NOTED_EVERY = timedelta(minutes=5)


def note_use(grant: UserToken) -> None:
    """The access token was handed out or used: from now on it is refreshed at half of its life instead of once a day.

    For every use: it writes once in five minutes at most, and costs nothing in between.
    """
    if not is_use_to_be_noted(grant):
        return
    now = timezone.now()
    due_sooner = Q(phase=RefreshPhase.IDLE, half_life_at__lt=F("next_refresh_at"))
    UserToken.objects.filter(Q(used_at=None) | Q(used_at__lte=now - NOTED_EVERY), pk=grant.pk).update(
        used_at=now,
        next_refresh_at=Case(When(due_sooner, then=F("half_life_at")), default=F("next_refresh_at")),
    )
    grant.used_at = now


def is_use_to_be_noted(grant: UserToken) -> bool:
    """Whether `note_use` has something to write."""
    return grant.used_at is None or grant.used_at <= timezone.now() - NOTED_EVERY


def request_refresh(grant: UserToken) -> bool:
    """A new access token is needed: make the grant due now, and notify the refresher on commit.

    True for the first request; False when the grant was due already, waits for a retry, is being refreshed, or cannot be.
    A refresh whose outcome is unknown keeps the time of its probe. A grant of an older ``generation`` than the stored one
    requests nothing: the new token is there.
    """
    now = timezone.now()
    asked = UserToken.objects.filter(
        pk=grant.pk,
        generation=grant.generation,
        status=TokenStatus.ACTIVE,
        phase=RefreshPhase.IDLE,
        next_refresh_at__gt=now,
    ).update(next_refresh_at=now, used_at=now)
    if asked:
        notify_refresh()
    return bool(asked)
