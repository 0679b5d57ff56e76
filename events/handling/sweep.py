"""Puts right, now and then, what a process left half done that died between two steps."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from core.database.sql import ask
from events.clicks.updates import reopen_button
from events.enums import OPEN_DELIVERIES, EventStatus, RunStatus
from events.handling.ordering import promote
from events.log.sentences import LOST_CLICK
from events.models import Delivery, Event, HandlerRun
from events.subscriptions.http.failures import UNANSWERED
from feishu.callbacks import REQUEST_SUFFIX, callback_types
from feishu.card_buttons import is_single_use

LOST_AFTER = timedelta(seconds=60)
BATCH = 500


def promote_queued() -> None:
    """Let queued runs begin whose predecessor ended without promoting them."""
    promote(HandlerRun.objects.filter(status=RunStatus.QUEUED))


_REQUESTS = """
    WITH RECURSIVE types (event_type) AS (
        SELECT MIN(event_type) FROM events_event
        UNION ALL
        SELECT (SELECT MIN(event_type) FROM events_event WHERE event_type > types.event_type)
        FROM types WHERE types.event_type IS NOT NULL
    )
    SELECT event_type FROM types WHERE event_type LIKE %s
"""
"""A step in an index for each type that there is: no index finds the end of a text among millions of events."""


def _stored_requests() -> frozenset[str]:
    """Types of callbacks that are known by their ending alone, of all that are stored."""
    return frozenset(event_type for (event_type,) in ask(_REQUESTS, [f"%{REQUEST_SUFFIX}"]))


def end_lost_clicks() -> int:
    """End clicks that were stored by a process that died before it began to handle them, or whose delivery ended without its
    receiver being asked. They are not handled now: whoever clicked was told that it did not work, and may have clicked
    again."""
    deliveries = Delivery.objects.filter(event_id=OuterRef("pk"))
    lost = (
        Event.objects.filter(
            event_type__in=callback_types() | _stored_requests(),
            status=EventStatus.DISPATCHED,
            received_at__lt=timezone.now() - LOST_AFTER,
        )
        .exclude(Exists(HandlerRun.objects.filter(event_id=OuterRef("pk"))))
        .exclude(Exists(deliveries.filter(status__in=OPEN_DELIVERIES)))
        .annotate(was_for_receiver=Exists(deliveries))
    )
    ended = 0
    for event in lost.order_by("pk").only("pk", "dedupe_key")[:BATCH]:
        was_for_receiver = event.was_for_receiver  # type: ignore[attr-defined]  # annotated above
        error = UNANSWERED() if was_for_receiver else LOST_CLICK()
        with transaction.atomic():
            row = Event.objects.filter(pk=event.pk, status=EventStatus.DISPATCHED)
            if not row.update(status=EventStatus.DEAD, error=error, finished_at=timezone.now()):
                continue
            ended += 1
            if is_single_use(event.dedupe_key):
                reopen_button(event.pk)
    return ended
