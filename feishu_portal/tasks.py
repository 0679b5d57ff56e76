"""The Celery task of the portal as a whole."""

from celery import current_app, shared_task
from django.conf import settings


@shared_task(name="portal.sweep")
def sweep() -> None:
    """Run the sweeps of all apps, each as the task that it is: one that fails is noted, and keeps none of the others."""
    for name in settings.SWEEPS:
        current_app.tasks[name].apply()
