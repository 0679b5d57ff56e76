"""Work of a database that was restored: what was waiting when the backup was made may have been done since.

Done again, it would have its effects twice; dropped, it might be missing. So it ends as failed with that reason, and an
operator who knows better retries it from the dead letters.
"""

import uuid
from typing import Final

from django.db import transaction
from django.utils import timezone

from events.enums import (
    ACTIVE_RUNS,
    OPEN_DELIVERIES,
    DeliveryFailure,
    DeliveryStatus,
    EventStatus,
    ReplayState,
    RunFailure,
    RunStatus,
)
from events.handling.completion import RunEnd, note_ends
from events.log.fingerprints import fingerprint
from events.models import Delivery, Event, HandlerRun, ReplayJob
from events.subscriptions.http.failures import SET_ASIDE

BATCH: Final = 500


def set_runs_aside() -> int:
    """End handler runs that wait or were running, and events that were not dispatched; returns how many."""
    ended = _end_received()
    while runs := _claim(BATCH):
        note_ends([RunEnd(run, RunStatus.DEAD, RunFailure.RESTORED, SET_ASIDE()) for run in runs])
        ended += len(runs)
    return ended


def _claim(limit: int) -> list[HandlerRun]:
    """Those that queue behind others follow: the end of one makes the next one wait."""
    active = HandlerRun.objects.filter(status__in=ACTIVE_RUNS)
    pks = list(active.order_by("pk").values_list("pk", flat=True)[:limit])
    claim_id = uuid.uuid4()
    active.filter(pk__in=pks).take(claim_id)
    return list(HandlerRun.objects.claimed_with(claim_id, pks).select_related("event__bot"))


def _end_received() -> int:
    return Event.objects.filter(status=EventStatus.RECEIVED).update(
        status=EventStatus.DEAD, error=SET_ASIDE(), finished_at=timezone.now()
    )


def set_deliveries_aside() -> int:
    """End deliveries that wait or were under way; returns how many."""
    ended = 0
    while pks := list(
        Delivery.objects.filter(status__in=OPEN_DELIVERIES)
        .order_by("pk")
        .values_list("pk", flat=True)[:BATCH]
    ):
        with transaction.atomic():
            ended += Delivery.objects.filter(pk__in=pks, status__in=OPEN_DELIVERIES).update(
                status=DeliveryStatus.DEAD,
                failure=DeliveryFailure.RESTORED,
                error=SET_ASIDE(),
                fingerprint=fingerprint(SET_ASIDE()),
                claim_id=None,
                lease_until=None,
                finished_at=timezone.now(),
            )
    return ended


def cancel_replays() -> int:
    """Cancel replays that were under way; returns how many."""
    return ReplayJob.objects.filter(state__in=(ReplayState.WAITING, ReplayState.RUNNING)).update(
        state=ReplayState.CANCELLED, finished_at=timezone.now()
    )
