"""Celery tasks: a few lines each, primitives only."""

from celery import shared_task

from core.database import retention
from feishu_portal.greetings.retention import overdue


@shared_task(name="greetings.prune")
def prune() -> None:
    retention.prune(overdue())
