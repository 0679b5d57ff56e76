"""How long the rows of this app are kept: audit entries, and logins that have ended."""

from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from core.access.models import AuditEntry, SignInAttempts
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
        "expired logins": Session.objects.filter(expire_date__lt=now).order_by("expire_date"),
    }
