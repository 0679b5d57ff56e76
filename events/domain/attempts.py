"""Every try of a delivery, kept."""

from django.utils import timezone

from events.enums import AttemptOutcome
from events.models import Delivery, DeliveryAttempt


def note_attempt(
    delivery: Delivery, *, has_succeeded: bool, error: str, status_code: int | None = None, answer: str = ""
) -> None:
    """Write down how the try that is ending went; belongs into the transaction that ends it. ``status_code`` and
    ``answer`` are what a receiver said."""
    now = timezone.now()
    DeliveryAttempt.objects.create(
        delivery=delivery,
        number=delivery.attempts,
        started_at=delivery.started_at or now,
        finished_at=now,
        outcome=AttemptOutcome.SUCCEEDED if has_succeeded else AttemptOutcome.FAILED,
        error=error,
        status_code=status_code,
        answer=answer,
    )
