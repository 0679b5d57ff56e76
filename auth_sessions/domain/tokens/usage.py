"""What the ones who use a grant tell the refresher. They never send a refresh token themselves."""

from datetime import timedelta

from django.db.models import Case, F, Q, When
from django.utils import timezone

from auth_sessions.enums import RefreshPhase, TokenStatus
from auth_sessions.models import UserToken
from auth_sessions.notify import notify_refresh

NOTED_EVERY = timedelta(minutes=5)


def note_use(grant: UserToken) -> None:
    """Somebody was given this grant's access token: from now on it is refreshed at half of its life, and not once a day.

    Call it for every hand-out: it writes at most once in five minutes and costs nothing between.
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
    """Somebody needs a fresh access token: the grant is due now, and the refresher hears of it after the commit.

    True for the first who asks; False when the grant was due already, waits out a back-off, is being refreshed, or cannot
    be. A refresh whose outcome is unknown keeps the time of its probe. Whether a new token came tells ``generation``:
    whoever looked before it came asks for nothing more.
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
