import json
import threading
import time
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from bots.enums import Transport
from core.background.retry import RetrySchedule
from events.clicks.responder import CallbackResponder
from events.ingress.receive import Receiver
from events.ingress.webhook.endpoint import WebhookEndpoint
from events.ingress.websocket import WebsocketSink
from events.ingress.writer import Intake
from feishu.openapi import OpenAPI
from tests.factories import click_event, make_bot
from tests.services.processes import PATIENCE


@pytest.fixture(autouse=True)
def no_broker(monkeypatch):
    for module in ("ingress.writer", "clicks.responder"):
        monkeypatch.setattr(f"events.{module}.notify_worker", lambda: True)


@pytest.fixture(autouse=True)
def threads_end():
    """The database is not dropped under a thread that a test left behind."""
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("callback-"):
            thread.join(PATIENCE)


@pytest.fixture
async def responder():
    opened = CallbackResponder()
    yield opened
    await opened.close()


@pytest.fixture
def updates(monkeypatch) -> list[tuple[str, Any]]:
    """Cards that were shown behind the answer: by the click's token, or the message's id."""
    shown: list[tuple[str, Any]] = []
    monkeypatch.setattr(
        OpenAPI, "update_card_by_token", lambda _self, token, card: shown.append((token, card))
    )
    monkeypatch.setattr(OpenAPI, "patch_card", lambda _self, message, card: shown.append((message, card)))
    monkeypatch.setattr("events.clicks.updates.RETRIES", RetrySchedule((0.01, 0.01)))
    monkeypatch.setattr("events.clicks.responder.UPDATE_DELAY", 0.0)
    return shown


@pytest.fixture(params=["long connection", "webhook"])
async def push_click(request, database, own_handlers):
    """Pushes a click with this value, by either transport; returns the answer."""
    is_webhook = request.param == "webhook"
    transport = Transport.WEBHOOK if is_webhook else Transport.WEBSOCKET
    bot = await database.run(make_bot, transport=transport, verification_token="verification-token")
    endpoint, receiver = WebhookEndpoint(), Receiver(Intake(), CallbackResponder())

    async def by_webhook(value: Any) -> dict[str, Any]:
        transport = httpx2.ASGITransport(app=endpoint)
        async with httpx2.AsyncClient(transport=transport, base_url="http://portal.test") as http:
            return (
                await http.post(f"/api/feishu/webhook/{bot.app_id}", json=click_event(value=value))
            ).json()

    async def by_long_connection(value: Any) -> dict[str, Any]:
        body = json.dumps(click_event(value=value)).encode()
        message = SimpleNamespace(payload=body, trace_id="t", received_at=time.monotonic())
        return json.loads((await WebsocketSink(receiver)(bot.pk, message)).data)

    async with receiver:
        yield by_webhook if is_webhook else by_long_connection
        await endpoint.close()
