"""Celery tasks of operators and the audit log."""

from celery import shared_task

from core.access import append_only
from core.access.retention import overdue
from core.database import retention


@shared_task(name="access.prune")
def prune() -> None:
    append_only.install()
    retention.prune(overdue())
