"""Buttons that count once: shown as clicked after the first click, and as new again when it came to nothing."""

import json
import threading
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from django.utils import timezone

from bots.enums import Transport
from events import callback_response, toast
from events.clicks.answers import CLICKED_BEFORE, FAILED, PROCESSING
from events.clicks.responder import CallbackResponder
from events.clicks.updates import enable_buttons, show_late_answer
from events.enums import Arrived, EventStatus
from events.handling import registry
from events.handling.sweep import end_lost_clicks
from events.ingress.inbox import store
from events.ingress.incoming import read_event
from events.ingress.receive import Receiver
from events.ingress.webhook.endpoint import WebhookEndpoint
from events.ingress.websocket import WebsocketSink
from events.ingress.writer import Intake
from events.models import Event
from feishu.card_buttons import disabled
from feishu.cards import button, card
from feishu.errors import MissingScope
from feishu.openapi import OpenAPI
from feishu.text import Text
from tests.events.handler_runs import handle
from tests.factories import click_event, make_bot

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_handlers")]

VALUE = {"action": "approve", "once": True}
CARD = card(
    None, [button(Text("批准", "Approve"), value=VALUE), button(Text("打开", "Open"), value={"action": "x"})]
)
CLICKED = callback_response(card=disabled(CARD))
DONE = callback_response(toast=toast("success", Text("已批准", "Approved")))
MINE = callback_response(
    card=card(None, [button(Text("撤销", "Undo"), value={"action": "undo", "once": True})])
)


@pytest.fixture(autouse=True)
def platform(monkeypatch) -> SimpleNamespace:
    """What the platform shows of the card, and what it was changed to."""
    books = SimpleNamespace(shows=CARD, asked=[], changes=[])

    def show(_self, message_id: str, *, timeout: float | None = None) -> Any:
        books.asked.append((message_id, timeout))
        if isinstance(books.shows, Exception):
            raise books.shows
        return books.shows() if callable(books.shows) else books.shows

    monkeypatch.setattr(OpenAPI, "card", show)
    monkeypatch.setattr(
        OpenAPI, "update_card_by_token", lambda _self, _token, content: books.changes.append(content)
    )
    monkeypatch.setattr("events.clicks.responder.UPDATE_DELAY", 0.0)
    # Time enough on a busy machine; tests of what is late make it short.
    for name in (
        "clicks.responder.CARD_SECONDS",
        "ingress.receive.BUDGET",
        "ingress.webhook.server.DATABASE_SECONDS",
    ):
        monkeypatch.setattr(f"events.{name}", 20.0)
    monkeypatch.setattr("events.ingress.writer.notify_worker", lambda: True)
    monkeypatch.setattr("events.clicks.responder.notify_worker", lambda: True)
    return books


@pytest.fixture
def counted_again(monkeypatch) -> list[int]:
    """Events whose buttons a worker was told to enable."""
    told: list[int] = []
    monkeypatch.setattr("events.clicks.updates.notify_buttons", told.append)
    return told


@pytest.fixture
def gate():
    """What a slow handler waits for."""
    opened = threading.Event()
    yield opened
    opened.set()


@pytest.fixture(params=["long connection", "webhook"])
async def click(request, database, own_handlers):
    """Clicks, through either transport; returns the answer."""
    is_webhook = request.param == "webhook"
    transport = Transport.WEBHOOK if is_webhook else Transport.WEBSOCKET
    bot = await database.run(make_bot, transport=transport, verification_token="verification-token")
    payload = json.dumps(click_event(value=VALUE))
    endpoint, receiver = WebhookEndpoint(), Receiver(Intake(), CallbackResponder())

    async def post() -> dict[str, Any]:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=endpoint), base_url="http://p"
        ) as http:
            return (await http.post(f"/api/feishu/webhook/{bot.app_id}", content=body())).json()

    async def push() -> dict[str, Any]:
        message = SimpleNamespace(payload=body(), trace_id="t", received_at=time.monotonic())
        return json.loads((await WebsocketSink(receiver)(bot.pk, message)).data)

    def body() -> bytes:
        own_handlers.append("click")
        return payload.replace('event_id": "', f'event_id": "{len(own_handlers)}').encode()

    async with receiver:
        yield post if is_webhook else push
    await endpoint.close()


async def test_first_click_disables_the_button_for_everybody(click, platform):
    registry.on_card("approve")(lambda event, bot: DONE)
    assert await click() == DONE | CLICKED
    assert platform.asked == [("om_card", 1.0)]
    assert await click() == CLICKED_BEFORE


async def test_card_of_the_handler_is_shown_as_it_is(click):
    registry.on_card("approve")(lambda event, bot: MINE)
    assert await click() == MINE


async def test_slow_handler_finds_the_button_disabled_at_once(click, monkeypatch, gate):
    monkeypatch.setattr("events.ingress.receive.BUDGET", 4.0)
    registry.on_card("approve")(lambda event, bot: gate.wait(20))
    assert await click() == PROCESSING | CLICKED
    gate.set()


async def test_failing_handler_leaves_the_button_as_it_is(click, platform, counted_again):
    @registry.on_card("approve")
    def approve(event, bot):
        raise ValueError

    assert await click() == FAILED
    assert len(counted_again) == 1
    assert await click() == FAILED


async def test_nobody_to_handle_it_leaves_the_button_as_it_is(click):
    assert await click() == {}


@pytest.mark.parametrize(
    "shows",
    [MissingScope("im:message:readonly"), {}, disabled(CARD)],
    ids=["no scope", "no such button", "disabled already"],
)
async def test_card_that_is_not_to_be_had_leaves_the_answer_as_it_is(click, platform, shows):
    platform.shows = shows
    registry.on_card("approve")(lambda event, bot: DONE)
    assert await click() == DONE


async def test_platform_that_is_slow_keeps_nobody_waiting(click, platform, monkeypatch, gate):
    monkeypatch.setattr("events.clicks.responder.CARD_SECONDS", 0.1)
    platform.shows = lambda: gate.wait(20)
    registry.on_card("approve")(lambda event, bot: DONE)
    assert await click() == DONE
    gate.set()


# --- behind the answer


def stored(value: Any = None, **changes: Any) -> Event:
    body = json.dumps(click_event(value=value or VALUE)).encode()
    [one] = store([read_event(bot_id=make_bot().pk, payload=body, arrived_by=Arrived.WEBSOCKET)])
    Event.objects.filter(pk=one.event_pk).update(**changes)
    return Event.objects.get(pk=one.event_pk)


def test_click_that_a_worker_took_over_disables_the_button_when_it_is_handled(platform):
    registry.on_card("approve")(lambda event, bot: DONE)
    event = handle(stored(status=EventStatus.RECEIVED, answered_late=True))
    show_late_answer(event.handler_runs.get(), DONE)
    assert platform.changes == [disabled(CARD)]


def test_button_without_that_word_is_not_looked_up(platform):
    registry.on_card("approve")(lambda event, bot: DONE)
    event = handle(stored({"action": "approve"}, status=EventStatus.RECEIVED, answered_late=True))
    show_late_answer(event.handler_runs.get(), DONE)
    assert platform.asked == []


def test_click_that_failed_late_enables_the_button_again(platform, counted_again):
    @registry.on_card("approve")
    def approve(event, bot):
        raise ValueError

    event = handle(stored(status=EventStatus.RECEIVED, answered_late=True))
    assert counted_again == [event.pk]
    platform.shows = disabled(CARD)
    enable_buttons(event.pk)
    assert platform.changes == [CARD]


def test_click_that_failed_in_time_needs_no_look(platform):
    enable_buttons(stored().pk)
    assert platform.asked == []


def test_click_of_a_process_that_died_counts_again(counted_again):
    event = stored(received_at=timezone.now() - timedelta(minutes=2))
    assert end_lost_clicks() == 1
    assert counted_again == [event.pk]
    again = store(
        [read_event(bot_id=event.bot_id, payload=bytes(event.payload), arrived_by=Arrived.WEBSOCKET)]
    )
    assert again[0].is_new
