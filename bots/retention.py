"""How long the rows of this app are kept: lost connections, incidents with their notices and cards, sent messages and streamed replies,
counts of refused webhook requests, registrations of apps, people, silences that are over."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from bots.enums import MOVING_MAILINGS
from bots.models import (
    ConnectionLoss,
    Incident,
    MessageBatch,
    NoticeCard,
    ProblemSilence,
    RefusedPush,
    Registration,
    ReplyStream,
    Sending,
)
from bots.people.references import forgotten
from bots.sending.batches import BATCHES_KEPT
from core.database.retention import Overdue

LOSSES_KEPT: Final = timedelta(days=30)
INCIDENTS_KEPT: Final = timedelta(days=180)
"""After they were closed."""
NOTICE_CARDS_KEPT: Final = timedelta(days=30)
"""After they were sent; the platform changes none that is older than 14 days."""
REFUSALS_KEPT: Final = timedelta(days=7)
"""After the last one."""
REGISTRATIONS_KEPT: Final = timedelta(days=7)
"""After the QR code was shown."""
PEOPLE_KEPT: Final = timedelta(days=30)
"""After the platform was last heard about them, and as long as a row of an app refers to them. Names on pages are asked for
again before (``bots.people.directory.FRESH``)."""


def overdue() -> Overdue:
    """The rows that have had their time."""
    now = timezone.now()
    sendings_kept = timedelta(days=settings.TOKEN_USE_DAYS)
    return {
        "lost connections": ConnectionLoss.objects.filter(at__lt=now - LOSSES_KEPT).order_by("at"),
        "incidents": Incident.objects.filter(closed_at__lt=now - INCIDENTS_KEPT).order_by("closed_at"),
        "notice cards": NoticeCard.objects.filter(sent_at__lt=now - NOTICE_CARDS_KEPT).order_by("sent_at"),
        "batches of messages": _batches(now - BATCHES_KEPT),
        "sent messages": Sending.objects.filter(at__lt=now - sendings_kept).order_by("at"),
        "streamed replies": ReplyStream.objects.filter(at__lt=now - sendings_kept).order_by("at"),
        "refused webhook requests": RefusedPush.objects.filter(last_at__lt=now - REFUSALS_KEPT).order_by(
            "last_at"
        ),
        "registrations of apps": Registration.objects.filter(began_at__lt=now - REGISTRATIONS_KEPT).order_by(
            "began_at"
        ),
        "people": forgotten(now - PEOPLE_KEPT),
        "silenced problems": ProblemSilence.objects.filter(until__lt=now).order_by("until"),
    }


def _batches(ended: datetime) -> QuerySet[MessageBatch]:
    """Batches that have ended, with their recipients and their message."""
    return (
        MessageBatch.objects.filter(finished_at__lt=ended)
        .exclude(state__in=MOVING_MAILINGS)
        .order_by("created_at", "id")
    )
