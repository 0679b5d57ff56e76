"""Celery tasks: a few lines each, primitives only. Handlers are run by this process's runner."""

from typing import Any

from celery import shared_task, signals

from events import deliverer, runner
from events.domain import clicks, sweeping
from events.domain.overdue import end_overdue
from events.domain.replay import sweep_replays
from events.domain.retention import SCHEDULED_BUDGET, prune_events
from feishu_portal.access.hints import send_hint


@shared_task(name="events.work")
def work() -> None:
    runner.current().wake()


@shared_task(name="events.sweep")
def sweep() -> None:
    sweeping.sweep()
    runner.current().wake()


@shared_task(name="events.deliver")
def deliver() -> None:
    deliverer.current().wake()


@shared_task(name="events.sweep_deliveries")
def sweep_deliveries() -> None:
    end_overdue()
    deliverer.current().wake()


@shared_task(name="events.enable_buttons")
def enable_buttons(event_pk: int) -> None:
    clicks.enable_buttons(event_pk)


@shared_task(name="events.replay")
def replay() -> None:
    sweep_replays()


@shared_task(name="events.prune")
def prune() -> None:
    _gone, is_all = prune_events(seconds=SCHEDULED_BUDGET)
    if not is_all:
        send_hint(prune.delay)


@signals.worker_process_shutdown.connect
@signals.worker_shutdown.connect
def stop_runner(**_kwargs: Any) -> None:
    """A worker that ends finishes what can be finished in a few seconds and puts back the rest."""
    deliverer.stop_current()
    runner.stop_current()
