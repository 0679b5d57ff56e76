"""Celery tasks: a few lines each, primitives only."""

from celery import shared_task

from events.domain import deliveries
from events.domain.bot_removal import clear_away_deleted
from events.domain.dispatch import dispatch_events
from events.domain.dispatch import sweep as sweep_events
from events.domain.replay import sweep_replays
from events.domain.retention import SCHEDULED_BUDGET, prune_events
from feishu_portal.access.hints import send_hint


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


@shared_task(name="events.prune")
def prune() -> None:
    _gone, is_all = prune_events(seconds=SCHEDULED_BUDGET)
    if not is_all:
        send_hint(prune.delay)


@shared_task(name="events.clear_away")
def clear_away() -> None:
    clear_away_deleted()
