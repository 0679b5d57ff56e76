"""A click that no handler answers is answered by the receiver of a subscription."""

import asyncio
import json
import time

import pytest

from events import callback_response
from events.clicks.answers import FAILED, PROCESSING
from events.clicks.responder import CallbackResponder
from events.enums import Arrived, DeliveryFailure, DeliveryStatus, EventStatus
from events.handling import registry
from events.ingress.incoming import read_event
from events.ingress.store_once import store
from events.models import Delivery, Event, HandlerRun
from tests.events.subscriptions.http.receiver import running
from tests.factories import click_event, make_bot, make_subscription
from tests.services.processes import PATIENCE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_handlers")]

TOAST = {"toast": {"type": "success", "content": "Approved"}}
CARD = {"card": {"type": "raw", "data": {"schema": "2.0"}}}


@pytest.fixture
def receiver(settings):
    settings.DELIVERY_NETWORKS = ["127.0.0.0/8"]
    with running() as opened:
        opened.answer = lambda: (200, {}, json.dumps(TOAST).encode())
        yield opened


def click_on(url: str):
    """A stored click on a card of a bot whose clicks the receiver answers."""
    [clicked] = clicks_on(url, "approve")
    return clicked


def clicks_on(url: str, *actions: str):
    bot = make_bot()
    make_subscription(bot, kind="answer", url=url)
    bodies = [json.dumps(click_event(value={"action": action})).encode() for action in actions]
    incoming = [read_event(bot_id=bot.pk, payload=body, arrived_by=Arrived.WEBSOCKET) for body in bodies]
    return [(stored.event_pk, one) for stored, one in zip(store(incoming), incoming, strict=True)]


async def answer(responder, clicked, *, budget: float = 60):
    return json.loads(await responder.answer(*clicked, deadline=time.monotonic() + budget))


async def test_receivers_answer_is_what_the_person_sees(database, responder, receiver):
    assert await answer(responder, await database.run(click_on, receiver.url)) == TOAST
    assert (await database.run(Event.objects.get)).status == EventStatus.DONE


async def test_handler_that_is_on_answers_instead(database, responder, receiver):
    registry.on_card("approve")(lambda event, bot: CARD)
    assert await answer(responder, await database.run(click_on, receiver.url)) == CARD
    assert receiver.requests == []
    assert not await database.run(Delivery.objects.exists)


async def test_person_is_told_that_a_receiver_failed(database, responder, receiver):
    receiver.answer = lambda: (500, {}, b"oh no")
    assert await answer(responder, await database.run(click_on, receiver.url)) == FAILED
    assert not await database.run(HandlerRun.objects.exists)


async def test_card_that_comes_late_is_put_in_place(database, responder, receiver, gate, updates):
    def late():
        assert gate.wait(PATIENCE)
        return 200, {}, json.dumps(CARD).encode()

    receiver.answer = late
    clicked = await database.run(click_on, receiver.url)
    assert await answer(responder, clicked, budget=1.0) == PROCESSING
    gate.set()
    async with asyncio.timeout(PATIENCE):
        while not updates:
            await asyncio.sleep(0.02)
    [(token, card)] = updates
    assert token.startswith("c-")
    assert card == callback_response(card=card)["card"]["data"] == CARD["card"]["data"]


async def test_slow_receiver_leaves_threads_to_handlers_whatever_was_clicked(
    database, settings, receiver, gate
):
    settings.CALLBACK_THREADS = 4
    receiver.answer = lambda: (200, {}, b"{}" if gate.wait(PATIENCE) else b"")
    registry.on_card("fine")(lambda event, bot: TOAST)
    responder = CallbackResponder()
    orders = [f"order {number}" for number in range(8)]
    *slow, fine = await database.run(clicks_on, receiver.url, *orders, "fine")
    told = asyncio.gather(*(answer(responder, one, budget=1.0) for one in slow))
    await asyncio.sleep(0)
    assert await answer(responder, fine) == TOAST
    gate.set()
    await told
    await responder.close()


async def test_end_of_the_process_ends_what_was_asked(database, receiver, gate, monkeypatch):
    monkeypatch.setattr("events.clicks.responder.CLOSE_SECONDS", 0.1)
    receiver.answer = lambda: (200, {}, b"{}" if gate.wait(PATIENCE) else b"")
    responder = CallbackResponder()
    clicked = await database.run(click_on, receiver.url)
    assert await answer(responder, clicked, budget=1.0) == PROCESSING
    async with asyncio.timeout(PATIENCE):
        while not receiver.requests:
            await asyncio.sleep(0.02)
        await responder.close()
    gate.set()
    delivery, event = await database.run(Delivery.objects.get), await database.run(Event.objects.get)
    assert (delivery.status, delivery.failure) == (DeliveryStatus.DEAD, DeliveryFailure.WORKER_LOST)
    assert "stopped" in delivery.error
    assert event.status == EventStatus.DEAD
