"""Celery tasks: a few lines each, primitives only. The work itself is done by this process's runner."""

from typing import Any

<<<<<<< HEAD
from events.domain import deliveries
from events.domain.bot_removal import clear_away_deleted
from events.domain.dispatch import dispatch_events
from events.domain.dispatch import sweep as sweep_events
from events.domain.replay import sweep_replays
from events.domain.retention import SCHEDULED_BUDGET, prune_events
from feishu_portal.access.hints import send_hint
=======
from celery import shared_task, signals

from events import runner
from events.domain import sweeping
>>>>>>> 9a32002 (Run handlers by lanes: in order by key, bounded in time, fair to every bot, and clicks handed on in time)


@shared_task(name="events.work")
def work() -> None:
    runner.current().wake()


@shared_task(name="events.sweep")
def sweep() -> None:
<<<<<<< HEAD
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
=======
    sweeping.sweep()
    runner.current().wake()


@signals.worker_process_shutdown.connect
@signals.worker_shutdown.connect
def stop_runner(**_kwargs: Any) -> None:
    """A worker that ends finishes what its handlers can finish in a few seconds and puts back the rest."""
    runner.stop_current()
>>>>>>> 9a32002 (Run handlers by lanes: in order by key, bounded in time, fair to every bot, and clicks handed on in time)
