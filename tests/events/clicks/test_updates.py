"""Cards that are changed behind the answer to a click."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from events import callback_response
from events.clicks.updates import show_late_answer
from events.enums import Arrived, EventStatus
from events.handling import registry
from events.ingress.incoming import read_event
from events.ingress.store_once import store
from events.models import Event
from feishu.errors import APIError, RateLimited
from feishu.openapi import OpenAPI
from tests.events.handler_runs import handle
from tests.factories import click_event, make_bot

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_handlers")]

CARD: dict[str, Any] = {"schema": "2.0"}


@pytest.fixture
def show_late(updates):
    """Shows a card behind the answer to a click that came some minutes ago; the click's event."""

    def show(*, age: float = 0.0) -> Event:
        registry.on_card("approve", name="approve")(lambda event, bot: callback_response(card=CARD))
        payload = json.dumps(click_event(value={"action": "approve"})).encode()
        store([read_event(bot_id=make_bot().pk, payload=payload, arrived_by=Arrived.WEBSOCKET)])
        received_at = timezone.now() - timedelta(minutes=age)
        Event.objects.update(status=EventStatus.RECEIVED, received_at=received_at)
        event = handle(Event.objects.get())
        show_late_answer(event, callback_response(card=CARD))
        event.refresh_from_db()
        return event

    return show


def test_card_goes_by_the_clicks_token(show_late, updates):
    show_late()
    [(token, card)] = updates
    assert token.startswith("c-")
    assert card == CARD


def test_card_goes_to_the_message_when_the_token_is_too_old(show_late, updates):
    show_late(age=31)
    assert updates == [("om_card", CARD)]


@pytest.mark.parametrize("code", [300030, 300040, 300020])
def test_card_goes_to_the_message_when_the_token_is_refused(show_late, updates, monkeypatch, code):
    def refuse(*_args):
        raise APIError("used up", code=code)

    monkeypatch.setattr(OpenAPI, "update_card_by_token", refuse)
    show_late()
    assert updates == [("om_card", CARD)]


def test_card_that_cannot_be_shown_is_noted_at_the_event(show_late, monkeypatch):
    calls = []

    def refuse(*_args):
        calls.append(1)
        raise APIError("card of another app", code=200310)

    monkeypatch.setattr(OpenAPI, "update_card_by_token", refuse)
    assert "card of another app" in show_late().error
    assert len(calls) == 1


def test_card_that_json_cannot_say_is_noted_at_the_event(show_late, monkeypatch):
    def refuse(*_args):
        raise TypeError("Object of type Decimal is not JSON serializable")

    monkeypatch.setattr(OpenAPI, "update_card_by_token", refuse)
    assert "Decimal" in show_late().error


def test_update_is_tried_again_as_long_as_the_schedule_says(show_late, updates, monkeypatch):
    answers = [RateLimited("slow down", reset_after=0.0)] * 2
    update = OpenAPI.update_card_by_token

    def sometimes(*arguments):
        if answers:
            raise answers.pop()
        update(*arguments)

    monkeypatch.setattr(OpenAPI, "update_card_by_token", sometimes)
    assert show_late().error == ""
    assert len(updates) == 1


def test_update_is_given_up_after_the_schedule(show_late, updates, monkeypatch):
    calls = []

    def refuse(*_args):
        calls.append(1)
        raise RateLimited("slow down", reset_after=0.0)

    monkeypatch.setattr(OpenAPI, "update_card_by_token", refuse)
    assert "slow down" in show_late().error
    assert len(calls) == 3
