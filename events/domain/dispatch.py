"""From a stored event to its deliveries."""

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from events.enums import EventStatus
from events.hints import hint_deliveries, hint_dispatch
from events.models import Delivery, Event
from events.registry import handlers_of

SWEEP_LIMIT = 1000


def dispatch_events(event_pks: Sequence[int]) -> None:
    """Give each event that is still waiting a delivery for each of its handlers, and hint the workers."""
    for event in Event.objects.filter(pk__in=event_pks, status=EventStatus.RECEIVED).only(
        "pk", "event_type", "bot_id"
    ):
        hint_deliveries(_dispatch(event))


@transaction.atomic
def _dispatch(event: Event) -> list[int]:
    handlers = handlers_of(event.event_type)
    status = EventStatus.DISPATCHED if handlers else EventStatus.IGNORED
    finished_at = None if handlers else timezone.now()
    # The row count decides who dispatches, whatever else happens at the same time.
    if not Event.objects.filter(pk=event.pk, status=EventStatus.RECEIVED).update(
        status=status, finished_at=finished_at
    ):
        return []
    deliveries = Delivery.objects.bulk_create(
        [Delivery(event=event, bot_id=event.bot_id, handler=handler.name) for handler in handlers]
    )
    return [delivery.pk for delivery in deliveries]


def sweep() -> None:
    """Find what a lost hint left behind: events not dispatched, deliveries due but not running."""
    age = timezone.now() - timedelta(seconds=settings.SWEEP_SECONDS)
    waiting = Event.objects.filter(status=EventStatus.RECEIVED, received_at__lt=age).order_by("pk")
    hint_dispatch(list(waiting.values_list("pk", flat=True)[:SWEEP_LIMIT]))
    due = (Delivery.objects.due() | Delivery.objects.abandoned()).filter(run_at__lt=age).order_by("run_at")
    hint_deliveries(list(due.values_list("pk", flat=True)[:SWEEP_LIMIT]))
