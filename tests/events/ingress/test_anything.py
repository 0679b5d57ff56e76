"""Whatever comes is stored once, comes to an end, and can be looked at: on both databases."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from events.enums import Arrived, EventStatus, SubscriptionKind
from events.handling import registry
from events.handling.concurrency import ConcurrencyLimit
from events.ingress.incoming import read_event
from events.ingress.store_once import store
from events.models import Event
from events.subscriptions.pull import acknowledge, fetch
from tests.anything import FUZZ, payloads
from tests.events.handler_runs import claimed, execute, scheduled
from tests.factories import make_bot, make_operator, make_subscription

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_handlers")]

OPEN = (EventStatus.RECEIVED, EventStatus.DISPATCHED)


@pytest.fixture
def bot():
    return make_bot()


@pytest.fixture
def fetched(bot):
    """A receiver that wants everything, and one with a filter."""
    values: dict[str, Any] = {"kind": SubscriptionKind.PULL}
    make_subscription(bot, filter=["event.message.chat_id in a, b", "header.tenant_key = 1"], **values)
    return make_subscription(bot, **values)


@pytest.fixture
def looker(client: Client) -> Client:
    client.force_login(make_operator(superuser=True))
    return client


def read(event: Event, bot: object) -> None:
    json.dumps([event.envelope, event.data, str(event), registry.action_of(event.data)])


@FUZZ
@given(bodies=st.lists(payloads, min_size=1, max_size=8), trace_id=st.text(max_size=200))
def test_whatever_comes_is_stored_once_and_comes_to_an_end(bot, fetched, looker, bodies, trace_id):
    registry.on("*", name="events", retries=0)(read)
    registry.on_card("true", name="clicks")(read)
    incoming = [
        read_event(bot_id=bot.pk, payload=body, arrived_by=Arrived.WEBSOCKET, trace_id=trace_id)
        for body in bodies
    ]
    stored = [Event.objects.get(pk=one.event_pk) for one in store(incoming) if one.is_new]
    for one in incoming:
        assert Event.objects.filter(bot=bot, dedupe_key=one.dedupe_key).exists(), one
    assert not any(one.is_new for one in store(incoming))
    # Clicks are the responder's; here the workers take them, as when it has no thread.
    Event.objects.filter(status=EventStatus.DISPATCHED).update(status=EventStatus.RECEIVED)
    limit = ConcurrencyLimit(1000)
    while scheduled([bot], most=0, limit=limit).dispatched:
        pass
    for run in claimed([bot], most=500, limit=limit):
        execute(run)
    items = fetch(fetched, after=0, limit=1000)
    assert all(isinstance(json.loads(item.payload)["payload"], dict) for item in items)
    acknowledge(fetched, up_to=max((item.number for item in items), default=0))
    assert not Event.objects.filter(bot=bot, status__in=OPEN).exists()
    assert not Event.objects.filter(bot=bot, status=EventStatus.DEAD).exists()
    for event in stored[:1]:  # a page takes longer than all the rest
        assert looker.get(reverse("admin:events_event_change", args=[event.pk])).status_code == 200
