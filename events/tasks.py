"""Celery tasks: a few lines each, primitives only. Handlers are run by this process's HandlerWorker."""

from typing import Any

from celery import shared_task, signals

from core.background.notify import notify
from core.database import retention
from events.clicks import updates
from events.handling import worker
from events.handling.sweep import end_lost_clicks, promote_queued
from events.handling.unknown import end_unknown, make_known_due
from events.log.counting import count_events
from events.log.replay import is_any_open, sweep_replays
from events.log.retention import SCHEDULED_SECONDS, overdue, prune_events
from events.notify import notify_replayer
from events.subscriptions import pusher
from events.subscriptions.expiry import end_expired


@shared_task(name="events.work")
def work() -> None:
    worker.current().wake()


@shared_task(name="events.sweep")
def sweep() -> None:
    promote_queued()
    end_lost_clicks()
    make_known_due()
    end_unknown()
    worker.current().wake()
    if is_any_open():
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
