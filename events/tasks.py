"""Celery tasks: a few lines each, primitives only."""

from celery import shared_task

from events.domain import deliveries
from events.domain.dispatch import dispatch_events
from events.domain.dispatch import sweep as sweep_events
from events.domain.replay import sweep_replays


@shared_task(name="events.dispatch")
def dispatch(event_pks: list[int]) -> None:
    dispatch_events(event_pks)


@shared_task(name="events.deliver")
def deliver(delivery_pk: int) -> None:
    deliveries.deliver(delivery_pk)


@shared_task(name="events.sweep")
def sweep() -> None:
    sweep_events()


@shared_task(name="events.replay")
def replay() -> None:
    sweep_replays()
