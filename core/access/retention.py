"""How long the rows of this app are kept: audit entries, logins that have ended, and second factors that were never set up."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from core.access.models import AuditEntry, OperatorSession, PasskeyChallenge, SignInAttempts, TotpDevice
from core.database.retention import Overdue


def overdue() -> Overdue:
    """Logins go as soon as they have ended by themselves; Django leaves their rows behind."""
    now = timezone.now()
    audited_since = now - timedelta(days=settings.AUDIT_DAYS)
    return {
        "audit entries": AuditEntry.objects.filter(at__lt=audited_since).order_by("at"),
        "attempts to sign in": SignInAttempts.objects.filter(last_at__lt=now - timedelta(days=1)).order_by(
            "last_at"
        ),
        "challenges of passkeys": PasskeyChallenge.objects.filter(expires_at__lt=now).order_by("expires_at"),
        "authenticator apps without a first code": TotpDevice.objects.filter(
            confirmed_at=None, created_at__lt=now - timedelta(days=1)
        ).order_by("created_at"),
        "expired logins": OperatorSession.objects.filter(expire_date__lt=now).order_by("expire_date"),
    }
