"""What ``bench.handlers`` has a worker do: handlers that do nothing, and beside them a Celery task that stores one row."""

from celery import shared_task
from django.db import models

from bots.models import Bot
from events import on
from events.models import Event


class Received(models.Model):
    """A table with one key, made by the bench."""

    event_id = models.CharField(max_length=64, primary_key=True)
    event_type = models.CharField(max_length=128)
    payload = models.TextField()
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "bench"
        db_table = "bench_received"

    def __str__(self) -> str:
        return self.event_id


@shared_task(name="bench.store")
def store(event_id: str, event_type: str, payload: str) -> None:
    Received.objects.get_or_create(event_id=event_id, defaults={"event_type": event_type, "payload": payload})


def chat_of(event: Event) -> object:
    """Handlers of messages are called in order by chat, so these are as well."""
    return event.data["message"]["chat_id"]


@on("bench.atomic_v1", ordered_by=chat_of)
def empty_atomic(event: Event, bot: Bot) -> None:
    """Nothing, in a transaction."""


@on("bench.plain_v1", atomic=False, ordered_by=chat_of)
def empty_plain(event: Event, bot: Bot) -> None:
    """Nothing, without one."""


@on("bench.async_v1", atomic=False, ordered_by=chat_of)
async def empty_async(event: Event, bot: Bot) -> None:
    """Nothing, on an event loop."""
