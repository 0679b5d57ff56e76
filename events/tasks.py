"""Celery tasks: a few lines each, primitives only. Handlers are run by this process's HandlerWorker."""

from typing import Any

from celery import shared_task, signals

from core.background.notify import notify
from core.database import retention
from core.database.compiled import AnyRows
from events.clicks import updates
from events.enums import EventStatus, RunStatus
from events.handling import worker
from events.handling.sweep import end_lost_clicks, promote_queued
from events.handling.unknown import end_unknown, make_known_due
from events.log.counting import count_events
from events.log.replay import sweep_replays
from events.log.retention import SCHEDULED_SECONDS, overdue, prune_events
from events.models import Event, HandlerRun, ReplayJob
from events.notify import notify_replayer
from events.subscriptions import pusher
from events.subscriptions.expiry import end_expired

_LEFT = AnyRows(
    queued=lambda: HandlerRun.objects.filter(status=RunStatus.QUEUED).order_by(
        "bot_id", "handler", "order_key", "pk"
    ),
    under_way=lambda: Event.objects.filter(status=EventStatus.DISPATCHED).order_by("-pk"),
    unknown=lambda: (
        HandlerRun.objects.waiting().filter(unknown_since__isnull=False).order_by("unknown_since")
    ),
    replays=lambda: ReplayJob.objects.open().order_by("state", "-pk"),
)
"""Without any of these the sweep has nothing to look for."""


@shared_task(name="events.work")
def work() -> None:
    worker.current().wake()


@shared_task(name="events.sweep")
def sweep() -> None:
    left = _LEFT.found()
    if "queued" in left:
        promote_queued()
    if "under_way" in left:
        end_lost_clicks()
    if "unknown" in left:
        make_known_due()
        end_unknown()
    worker.current().wake()
    if "replays" in left:
        notify_replayer()


@shared_task(name="events.count")
def count() -> None:
    count_events()


@shared_task(name="events.deliver")
def deliver() -> None:
    pusher.current().wake()


@shared_task(name="events.sweep_deliveries")
def sweep_deliveries() -> None:
    end_expired()
    pusher.current().wake()


@shared_task(name="events.enable_buttons")
def enable_buttons(event_pk: int) -> None:
    updates.enable_buttons(event_pk)


@shared_task(name="events.replay")
def replay() -> None:
    sweep_replays()


@shared_task(name="events.prune")
def prune() -> None:
    retention.prune(overdue())
    if not prune_events(seconds=SCHEDULED_SECONDS).is_all:
        notify("events.prune")


@signals.worker_process_shutdown.connect
@signals.worker_shutdown.connect
def stop_runner(**_kwargs: Any) -> None:
    """A worker that ends finishes what can be finished in a few seconds and puts back the rest."""
    pusher.stop_current()
    worker.stop_current()
