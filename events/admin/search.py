"""What events bring to the search over everything: an event by its own ID, its message's or the platform's log ID."""

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from bots.models import own_bot_ids
from core.access.models import User
from core.console.rendering import exact
from core.console.search import MAX_HITS, Hit, Source, register
from events.errors import SearchTooSlowError
from events.log.criteria import EventCriteria
from events.log.search import resolve
from events.models import Event

SHORTEST = 8
"""Characters of an ID."""


def find_events(user: User, text: str) -> Iterator[Hit]:
    """By IDs alone: text in payloads has no index, and is searched for in the event log."""
    if len(text) < SHORTEST or " " in text:
        return
    try:
        found = resolve(text, EventCriteria(bots=own_bot_ids(user)))
    except SearchTooSlowError:
        return
    rows = Event.objects.filter(pk__in=(found.pks or ())[-MAX_HITS:]).select_related("bot").defer("payload")
    for event in rows.order_by("-pk"):
        link = reverse("admin:events_event_change", args=[event.pk])
        yield Hit(event.event_type or event.event_id, link, f"{event.bot.name} · {exact(event.received_at)}")


register(Source(title=_("Events"), icon="stream", find=find_events))
