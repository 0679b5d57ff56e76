"""A click is answered in time by both transports while the database is slow, and handled once when it is there again."""

import asyncio
import threading

import pytest

from events import callback_response, toast
from events.clicks.answers import PROCESSING
from events.enums import EventStatus
from events.handling import registry
from events.ingress import receive, writer
from events.models import Event
from feishu.text import Text
from tests.events.handler_runs import handle
from tests.services.processes import PATIENCE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_handlers", "updates")]

DONE = callback_response(toast=toast("success", Text("已批准", "Approved")))


@pytest.fixture
def stuck_store(monkeypatch):
    """A database that stores when the test lets it."""
    go, store = threading.Event(), writer.store
    monkeypatch.setattr(
        writer, "store", lambda batch, **options: go.wait(PATIENCE) and store(batch, **options)
    )
    yield go
    go.set()


async def test_click_is_answered_in_time_and_handled_once_by_a_worker(
    push_click, database, stuck_store, own_handlers, monkeypatch
):
    monkeypatch.setattr(receive, "BUDGET", 0.2)
    registry.on_card("approve")(lambda event, bot: own_handlers.append("handled") or DONE)
    async with asyncio.timeout(PATIENCE):
        assert await push_click({"action": "approve"}) == PROCESSING
    stuck_store.set()
    async with asyncio.timeout(PATIENCE):
        while not await database.run(Event.objects.filter(status=EventStatus.RECEIVED).exists):
            await asyncio.sleep(0.01)
    event = await database.run(Event.objects.select_related("bot").get)
    assert event.answered_late
    assert (await database.run(handle, event)).status == EventStatus.DONE
    assert own_handlers == ["handled"]


async def test_click_that_is_stored_in_time_is_answered_by_its_handler(push_click, stuck_store, monkeypatch):
    monkeypatch.setattr(receive, "BUDGET", 20.0)
    monkeypatch.setattr("events.ingress.webhook.server.DATABASE_SECONDS", 20.0)
    registry.on_card("approve")(lambda event, bot: DONE)
    asyncio.get_running_loop().call_later(0.1, stuck_store.set)
    assert await push_click({"action": "approve"}) == DONE
