"""Pages about events, and what they show."""

from typing import Any

from django.test import Client
from django.urls import reverse

from events.models import Event
from tests.console.rows import list_of

LOG = list_of("events_event")
MATCHING = reverse("admin:events_event_replay_matching")
DEAD = reverse("admin:events_event_dead_letters")
TAIL = reverse("admin:events_event_tail")
TAIL_POLL = reverse("admin:events_event_tail_poll")


def shown(client: Client, **query: Any) -> list[Event]:
    answer = client.get(LOG, query)
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list)


def polled(client: Client, cursor: int | None, **filters: str) -> list[dict[str, Any]]:
    """The messages that answer one question."""
    hello = {"cursor": cursor, "filters": filters}
    answer = client.post(TAIL_POLL, hello, content_type="application/json")
    assert answer.status_code == 200
    return answer.json()["messages"]
