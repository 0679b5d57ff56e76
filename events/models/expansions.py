"""Messages that an event refers to, fetched once."""

from django.db import models
from django.utils import timezone

from events.models.events import Event


class EventExpansion(models.Model):
    """What was forwarded with a message, and what it answers (see ``events.expansion``). ``content`` is JSON, None while a
    process is fetching it for the first time, since ``claimed_at``. ``retry_at``: from when on what is missing may be fetched
    again; None where nothing is missing, where asking again is no use, or after the last of the ``attempts``."""

    event = models.OneToOneField(
        Event, on_delete=models.CASCADE, primary_key=True, related_name="expansion", editable=False
    )
    content = models.BinaryField(null=True, editable=False)
    claimed_at = models.DateTimeField(default=timezone.now, editable=False)
    attempts = models.PositiveSmallIntegerField(default=1, editable=False)
    retry_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        default_permissions = ()  # shown with its event

    def __str__(self) -> str:
        return f"#{self.event_id}"
