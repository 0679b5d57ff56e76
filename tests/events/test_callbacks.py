import asyncio
import json
import threading

import pytest
from django.db import OperationalError

from events import callback_response, registry, toast
from events.arrivals import arrival
from events.callbacks import PROCESSING, CallbackLane
from events.domain.inbox import store
from events.enums import Arrived, EventStatus
from events.models import Event, EventQuerySet
from feishu.openapi import OpenAPI
from feishu.text import Text
from tests.factories import click_event, make_bot

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def only_own_handlers(monkeypatch):
    monkeypatch.setattr(registry, "_card_handlers", {})


@pytest.fixture
async def lane():
    opened = CallbackLane()
    yield opened
    await opened.close()


def click(value) -> int:
    payload = json.dumps(click_event(value=value)).encode()
    [stored] = store([arrival(bot_id=make_bot().pk, payload=payload, arrived_by=Arrived.WEBSOCKET)])
    return stored.event_pk


async def test_click_is_answered_by_its_handler(database, lane):
    answer = callback_response(toast=toast("success", Text("好", "ok")))
    registry.on_card("approve")(lambda event, bot: answer)
    event = await database.run(click, {"action": "approve"})
    assert json.loads(await lane.answer(event)) == answer
    assert (await database.run(Event.objects.get, pk=event)).status == EventStatus.DONE


async def test_click_may_be_answered_by_an_async_handler(database, lane):
    answer = callback_response(toast=toast("success", Text("好", "ok")))

    @registry.on_card("approve")
    async def approve(event, bot):
        return answer

    event = await database.run(click, {"action": "approve"})
    assert json.loads(await lane.answer(event)) == answer


@pytest.mark.parametrize("value", [{"action": "unknown"}, {}, "a string", None, [1]])
async def test_click_nobody_handles_is_answered_with_nothing(database, lane, value):
    event = await database.run(click, value)
    assert json.loads(await lane.answer(event)) == {}
    assert (await database.run(Event.objects.get, pk=event)).status == EventStatus.IGNORED


async def test_failing_handler_is_answered_with_a_toast_and_noted(database, lane):
    @registry.on_card("fail")
    def fail(event, bot):
        raise ValueError("the reason")

    event = await database.run(click, {"action": "fail"})
    assert json.loads(await lane.answer(event))["toast"]["type"] == "error"
    stored = await database.run(Event.objects.get, pk=event)
    assert (stored.status, stored.error) == (EventStatus.DEAD, "ValueError: the reason")


async def test_click_is_answered_even_if_the_database_goes_away_meanwhile(database, lane, monkeypatch):
    answer = callback_response(toast=toast("success", Text("好", "ok")))
    registry.on_card("approve")(lambda event, bot: answer)
    event = await database.run(click, {"action": "approve"})

    def gone(self, **values):
        raise OperationalError

    monkeypatch.setattr(EventQuerySet, "update", gone)
    assert json.loads(await lane.answer(event)) == answer


async def test_click_whose_time_is_over_before_its_handler_began_is_answered_at_once(database, lane):
    event = await database.run(click, {"action": "approve"})
    assert json.loads(await lane.answer(event, budget=-1.0)) == PROCESSING


async def test_slow_handler_is_answered_in_time_and_its_card_comes_later(database, lane, monkeypatch):
    go, updated = threading.Event(), asyncio.Event()
    loop, updates = asyncio.get_running_loop(), []

    def update(self, token, card):
        updates.append((token, card))
        loop.call_soon_threadsafe(updated.set)

    monkeypatch.setattr(OpenAPI, "update_card_by_token", update)

    @registry.on_card("slow")
    def slow(event, bot):
        assert go.wait(5)
        return callback_response(card={"schema": "2.0"})

    event = await database.run(click, {"action": "slow"})
    assert json.loads(await lane.answer(event, budget=0.05)) == PROCESSING
    go.set()
    await asyncio.wait_for(updated.wait(), 5)
    [(token, card)] = updates
    assert token.startswith("c-")
    assert card == {"schema": "2.0"}
