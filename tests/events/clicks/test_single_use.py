"""Single-use buttons: disabled after the first click, and enabled again when that failed."""

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from bots.models import Bot
from events import callback_response, toast
from events.clicks.answers import CLICKED_BEFORE, FAILED, PROCESSING, UNHANDLED
from events.clicks.updates import enable_buttons, show_late_answer
from events.enums import Arrived, EventStatus
from events.handling import registry
from events.handling.sweep import end_lost_clicks
from events.ingress.incoming import IncomingEvent, read_event
from events.ingress.store_once import store
from events.models import Event
from feishu.card_buttons import disabled
from feishu.cards import button, card
from feishu.errors import MissingScope
from feishu.openapi import OpenAPI
from feishu.text import Text
from tests.events.handler_runs import handle
from tests.factories import click_event, make_bot
from tests.services.processes import PATIENCE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_handlers")]

VALUE = {"action": "approve", "once": True}
CARD = card(
    None, [button(Text("批准", "Approve"), value=VALUE), button(Text("打开", "Open"), value={"action": "x"})]
)
CLICKED = callback_response(card=disabled(CARD))
DONE = callback_response(toast=toast("success", Text("已批准", "Approved")))
UNDO = callback_response(
    card=card(None, [button(Text("撤销", "Undo"), value={"action": "undo", "once": True})])
)


@pytest.fixture(autouse=True)
def platform(monkeypatch) -> SimpleNamespace:
    """What the platform shows of the card, and what it was changed to."""
    platform = SimpleNamespace(shows=CARD, asked=[], changes=[])

    def show(_self, message_id: str, *, timeout: float | None = None) -> Any:
        platform.asked.append((message_id, timeout))
        if isinstance(platform.shows, Exception):
            raise platform.shows
        return platform.shows() if callable(platform.shows) else platform.shows

    monkeypatch.setattr(OpenAPI, "card", show)
    monkeypatch.setattr(
        OpenAPI, "update_card_by_token", lambda _self, _token, content: platform.changes.append(content)
    )
    monkeypatch.setattr("events.clicks.responder.UPDATE_DELAY", 0.0)
    # Time enough on a busy machine; tests of what is late make it short.
    for name in (
        "clicks.responder.CARD_SECONDS",
        "ingress.receive.BUDGET",
        "ingress.webhook.server.DATABASE_SECONDS",
    ):
        monkeypatch.setattr(f"events.{name}", 20.0)
    return platform


@pytest.fixture
def reopened(monkeypatch) -> list[int]:
    """Events whose buttons a worker was asked to enable."""
    notified: list[int] = []
    monkeypatch.setattr("events.clicks.updates.notify_buttons", notified.append)
    return notified


@pytest.fixture
def click(push_click):
    """Clicks the single-use button; the answer."""
    return lambda: push_click(VALUE)


async def test_first_click_disables_the_button_for_everybody(click, platform):
    registry.on_card("approve")(lambda event, bot: DONE)
    assert await click() == DONE | CLICKED
    assert platform.asked == [("om_card", 1.0)]
    assert await click() == CLICKED_BEFORE


async def test_card_of_the_handler_is_shown_as_it_is(click):
    registry.on_card("approve")(lambda event, bot: UNDO)
    assert await click() == UNDO


async def test_slow_handler_finds_the_button_disabled_at_once(click, monkeypatch, gate):
    monkeypatch.setattr("events.ingress.receive.BUDGET", 4.0)
    registry.on_card("approve")(lambda event, bot: gate.wait(PATIENCE))
    assert await click() == PROCESSING | CLICKED
    gate.set()


async def test_failing_handler_leaves_the_button_as_it_is(click, platform, reopened):
    @registry.on_card("approve")
    def approve(event, bot):
        raise ValueError

    assert await click() == FAILED
    assert len(reopened) == 1
    assert await click() == FAILED


async def test_nobody_to_handle_it_leaves_the_button_as_it_is(click):
    assert await click() == UNHANDLED


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
    platform.shows = lambda: gate.wait(PATIENCE)
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
    show_late_answer(event, DONE)
    assert platform.changes == [disabled(CARD)]


def test_card_of_another_button_is_not_looked_up(platform):
    registry.on_card("approve")(lambda event, bot: DONE)
    event = handle(stored({"action": "approve"}, status=EventStatus.RECEIVED, answered_late=True))
    show_late_answer(event, DONE)
    assert platform.asked == []


def test_click_that_failed_late_enables_the_button(platform, reopened):
    @registry.on_card("approve")
    def approve(event, bot):
        raise ValueError

    event = handle(stored(status=EventStatus.RECEIVED, answered_late=True))
    assert reopened == [event.pk]
    platform.shows = disabled(CARD)
    enable_buttons(event.pk)
    assert platform.changes == [CARD]


def test_card_of_a_click_that_failed_in_time_is_not_looked_up(platform):
    enable_buttons(stored().pk)
    assert platform.asked == []


def test_button_clicked_in_a_process_that_died_can_be_clicked_again(reopened):
    event = stored(received_at=timezone.now() - timedelta(minutes=2))
    assert end_lost_clicks() == 1
    assert reopened == [event.pk]
    again = store(
        [read_event(bot_id=event.bot_id, payload=bytes(event.payload), arrived_by=Arrived.WEBSOCKET)]
    )
    assert again[0].is_new


# --- which clicks are one


def incoming(value: Any, bot: Bot, **values: Any) -> IncomingEvent:
    body = json.dumps(click_event(value=value, **values)).encode()
    return read_event(bot_id=bot.pk, payload=body, arrived_by=Arrived.WEBSOCKET)


def test_click_is_stored_once_whoever_clicks():
    bot = make_bot()
    clicks = [
        incoming(VALUE, bot),
        incoming(VALUE, bot, open_id="ou_other"),
        incoming(VALUE, bot, message_id="om_other"),
    ]
    assert [one.is_new for one in store(clicks)] == [True, False, True]


def test_every_click_on_another_button_is_stored():
    bot = make_bot()
    assert all(one.is_new for one in store([incoming({"action": "approve"}, bot) for _ in range(2)]))
