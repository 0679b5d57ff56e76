"""Celery tasks: a few lines each, primitives only."""

from celery import shared_task

from bots.domain.losses import prune_losses


@shared_task(name="bots.prune")
def prune() -> None:
    prune_losses()
