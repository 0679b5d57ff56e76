"""Summaries of a page's events, read from their payloads when somebody looks: none costs the intake anything."""

from collections.abc import Sequence
from typing import Final

from django.db.models.functions import Length

from events.models import Event
from feishu.event_summary import NOTHING, summarize

MAX_READ: Final = 256 * 1024
"""Bytes of a payload; a message has at most 150 KB, and a page of larger ones would fill the memory."""


def read_summaries(events: Sequence[Event]) -> None:
    """Set ``summary`` of each, in one query."""
    read = Event.objects.annotate(size=Length("payload")).filter(size__lte=MAX_READ)
    payloads = dict(read.filter(pk__in=[event.pk for event in events]).values_list("pk", "payload"))
    for event in events:
        event.summary = summarize(bytes(payloads[event.pk])) if event.pk in payloads else NOTHING
