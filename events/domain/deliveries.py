"""One delivery: claimed, run, finished by whoever holds the claim."""

import logging
import random
import traceback
import uuid
from contextlib import nullcontext
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from events.domain.attempts import note_attempt
from events.domain.fingerprints import fingerprint
from events.enums import DeliveryStatus, EventStatus
from events.models import Delivery, Event
from events.registry import Registration, call, handler_named
from feishu_portal.access.storable import storable

logger = logging.getLogger("events.deliveries")

LEASE = timedelta(seconds=120)  # after that a runner counts as gone
BACKOFF = (5, 30, 120, 600, 1800)  # seconds before the next try
MAX_ERROR = 4000  # characters of a traceback worth keeping


class StaleClaimError(Exception):
    """Somebody else took the delivery over; what was done here is rolled back."""


def deliver(delivery_pk: int) -> None:
    """Run one delivery if it is due and nobody else has it."""
    delivery = _claim(delivery_pk)
    if delivery is None:
        return
    handler = handler_named(delivery.handler)
    if handler is None:
        _fail(delivery, "The handler is not installed any more.", final=True)
        return
    tries = settings.HANDLER_TRIES if handler.retries is None else handler.retries + 1
    if delivery.attempts > tries:
        _fail(delivery, "Every try ended with its worker: none came back to say how.", final=True)
        return
    try:
        _run(delivery, handler)
    except StaleClaimError:
        logger.warning("delivery_taken_over", extra={"delivery": delivery.pk})
    except Exception as error:
        logger.exception(
            "handler_failed", extra={"handler": handler.name, "event_id": delivery.event.event_id}
        )
        text = "".join(traceback.format_exception(error))[-MAX_ERROR:]
        _fail(delivery, storable(text, MAX_ERROR), final=delivery.attempts >= tries)


def _claim(delivery_pk: int) -> Delivery | None:
    """Take the delivery. The try is counted here, so that one that kills its worker is counted too."""
    now = timezone.now()
    claim_id = uuid.uuid4()
    if (
        not (Delivery.objects.due() | Delivery.objects.abandoned())
        .filter(pk=delivery_pk)
        .update(
            status=DeliveryStatus.RUNNING,
            claim_id=claim_id,
            lease_until=now + LEASE,
            started_at=now,
            attempts=F("attempts") + 1,
        )
    ):
        return None
    return Delivery.objects.select_related("event__bot").get(pk=delivery_pk)


def _run(delivery: Delivery, handler: Registration) -> None:
    with transaction.atomic() if handler.atomic else nullcontext():
        call(handler.function, delivery.event, delivery.event.bot)
        _finish(delivery, status=DeliveryStatus.SUCCEEDED, error="", finished_at=timezone.now())


def _fail(delivery: Delivery, error: str, *, final: bool) -> None:
    try:
        if final:
            _finish(delivery, status=DeliveryStatus.DEAD, error=error, finished_at=timezone.now())
        else:
            wait = BACKOFF[min(delivery.attempts, len(BACKOFF)) - 1] * random.uniform(0.8, 1.2)  # noqa: S311 -- jitter
            run_at = timezone.now() + timedelta(seconds=wait)
            _finish(delivery, status=DeliveryStatus.RETRYING, error=error, run_at=run_at)
    except StaleClaimError:
        logger.warning("delivery_taken_over", extra={"delivery": delivery.pk})


@transaction.atomic
def _finish(delivery: Delivery, *, status: DeliveryStatus, error: str, **values: object) -> None:
    held = Delivery.objects.filter(pk=delivery.pk, claim_id=delivery.claim_id, status=DeliveryStatus.RUNNING)
    error_print = fingerprint(error) if status == DeliveryStatus.DEAD else ""
    if not held.update(
        claim_id=None, lease_until=None, status=status, error=error, error_print=error_print, **values
    ):
        raise StaleClaimError
    note_attempt(delivery, has_succeeded=status == DeliveryStatus.SUCCEEDED, error=error)
    _finish_event(delivery.event_id)


def _finish_event(event_pk: int) -> None:
    """An event ends with its last delivery: done when all succeeded, dead when one did not. The lock makes two deliveries
    that end at once see each other."""
    Event.objects.select_for_update().filter(pk=event_pk).first()
    current = Delivery.objects.filter(event_id=event_pk, is_current=True)
    statuses = set(current.values_list("status", flat=True))
    if statuses <= {DeliveryStatus.SUCCEEDED, DeliveryStatus.DEAD}:
        status = EventStatus.DEAD if DeliveryStatus.DEAD in statuses else EventStatus.DONE
        Event.objects.filter(pk=event_pk).update(status=status, finished_at=timezone.now())
