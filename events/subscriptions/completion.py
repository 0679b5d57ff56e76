"""How an attempt of a delivery ends, written by whoever holds the claim."""

from datetime import datetime

from django.utils import timezone

from events.enums import AttemptOutcome, DeliveryStatus
from events.errors import StaleClaimError
from events.log.fingerprints import fingerprint
from events.models import Delivery, DeliveryAttempt


def finish(
    delivery: Delivery,
    *,
    status: DeliveryStatus,
    error: str = "",
    failure: str = "",
    status_code: int | None = None,
    answer: str = "",
    **values: datetime,
) -> None:
    """Note how an attempt ended, in the caller's transaction; ``values`` are other columns of the delivery. Raises
    StaleClaimError when the claim was lost meanwhile."""
    held = Delivery.objects.held(delivery).update(
        claim_id=None,
        lease_until=None,
        status=status,
        error=error,
        failure=failure,
        fingerprint=fingerprint(error) if status == DeliveryStatus.DEAD else "",
        **values,
    )
    if not held:
        raise StaleClaimError
    now = timezone.now()
    DeliveryAttempt.objects.create(
        delivery=delivery,
        number=delivery.attempts,
        started_at=delivery.started_at or now,
        finished_at=now,
        outcome=AttemptOutcome.SUCCEEDED if status == DeliveryStatus.SUCCEEDED else AttemptOutcome.FAILED,
        error=error,
        status_code=status_code,
        answer=answer,
    )
