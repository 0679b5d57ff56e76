import threading
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from events import callback_response, toast
from events.clicks.answers import PROCESSING
from events.enums import EventStatus
from events.handling import registry
from events.ingress import receive
from events.ingress.webhook import server
from events.models import Event
from feishu.signatures import card_signature
from feishu.text import Text
from tests.events.ingress.webhook.pushes import TOKEN, encoded, path, request
from tests.factories import click_event
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


async def test_click_is_answered_by_its_handler(http, bot, database):
    answer = callback_response(toast=toast("success", Text("好", "ok")))
    registry.on_card("approve")(lambda event, bot: answer)
    response = await http.post(path(bot), **request(click_event(value={"action": "approve"})))
    assert (response.status_code, response.json()) == (200, answer)
    assert response.headers["content-type"] == "application/json"
    assert (await database.run(Event.objects.get)).status == EventStatus.DONE


async def test_click_sent_twice_is_handled_once(http, bot):
    handled = []
    registry.on_card("approve")(lambda event, bot: handled.append(event.pk))
    sent = request(click_event(value={"action": "approve"}))
    answers = [await http.post(path(bot), **sent) for _ in range(2)]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {}), (200, {})]
    assert len(handled) == 1


async def test_slow_handler_is_answered_for_in_time(http, bot, monkeypatch):
    go = threading.Event()
    registry.on_card("slow")(lambda event, bot: go.wait(PATIENCE) and None)
    monkeypatch.setattr(receive, "BUDGET", 0.3)
    response = await http.post(path(bot), **request(click_event(value={"action": "slow"})))
    go.set()
    assert response.json() == PROCESSING


async def test_old_card_callback_is_handled_and_answered_with_nothing(http, make, database):
    bot = await make(encrypt_key="")
    body = encoded(
        {
            "open_message_id": "om_1",
            "token": "c-0123",
            "action": {"value": {"action": "approve"}, "tag": "button"},
        }
    )
    registry.on_card("approve")(lambda event, bot: callback_response(toast=toast("info", Text("好", "ok"))))
    timestamp = str(int(time.time()))
    headers = {
        "X-Lark-Request-Timestamp": timestamp,
        "X-Lark-Request-Nonce": "2",
        "X-Lark-Signature": card_signature(timestamp, "2", TOKEN, body),
    }
    response = await http.post(path(bot), content=body, headers=headers)
    assert (response.status_code, response.json()) == (200, {})
    stored = await database.run(Event.objects.get)
    assert (stored.event_type, stored.status) == ("card.action.trigger_v1", EventStatus.DONE)


async def test_click_is_as_old_as_the_platforms_clock_says(http, bot, monkeypatch, time_machine):
    sent = request(click_event(value={"action": "approve"}))
    time_machine.move_to(timezone.now() - timedelta(hours=1), tick=True)
    assert (await http.post(path(bot), **sent)).status_code == 401
    monkeypatch.setattr(server.platform_clock, "correction", lambda: 3600.0)
    assert (await http.post(path(bot), **sent)).status_code == 200
