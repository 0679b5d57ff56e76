"""What is put right now and then, because a process died between two steps."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from events.clicks.updates import reopen_button
from events.enums import EventStatus, RunStatus
from events.handling.ordering import promote
from events.models import Event, HandlerRun
from feishu.callbacks import REQUEST_SUFFIX, callback_types
from feishu.card_buttons import is_single_use

LOST_AFTER = timedelta(seconds=60)
LOST_CLICK = "The process that took this click ended before its handler began."
BATCH = 500


def promote_queued() -> None:
    """Let queued runs begin whose predecessor ended without promoting them."""
    promote(HandlerRun.objects.filter(status=RunStatus.QUEUED))


def end_lost_clicks() -> int:
    """End clicks that were stored by a process that died before it began to handle them. They are not handled now:
    whoever clicked was told that it did not work, and may have clicked again."""
    runs = HandlerRun.objects.filter(event_id=OuterRef("pk"))
    waits = Q(event_type__in=callback_types()) | Q(event_type__endswith=REQUEST_SUFFIX)
    lost = Event.objects.filter(
        waits,
        status=EventStatus.DISPATCHED,
        received_at__lt=timezone.now() - LOST_AFTER,
    ).exclude(Exists(runs))
    keys = dict(lost.order_by("pk").values_list("pk", "dedupe_key")[:BATCH])
    with transaction.atomic():
        ended = Event.objects.filter(pk__in=keys, status=EventStatus.DISPATCHED).update(
            status=EventStatus.DEAD, error=LOST_CLICK, finished_at=timezone.now()
        )
        for pk, key in keys.items():
            if is_single_use(key):
                reopen_button(pk)
    return ended
