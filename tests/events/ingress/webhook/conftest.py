import threading
import time

import httpx2
import pytest

from bots.enums import Transport
from bots.models import Bot
from events.handling import registry
from events.ingress import receive, writer
from events.ingress.webhook import bots, server
from events.ingress.webhook.endpoint import WebhookEndpoint
from tests.events.ingress.webhook.pushes import KEY, TOKEN
from tests.factories import make_bot
from tests.services.processes import PATIENCE


@pytest.fixture(autouse=True)
def only_own_handlers(monkeypatch):
    monkeypatch.setattr(registry, "_registry", registry.HandlerRegistry())
    monkeypatch.setattr(writer, "notify_worker", lambda: True)


@pytest.fixture(autouse=True)
def time_enough(monkeypatch):
    """For a busy machine; tests of what is late make it short."""
    monkeypatch.setattr(receive, "BUDGET", 20.0)
    monkeypatch.setattr(server, "DATABASE_SECONDS", 20.0)
    monkeypatch.setattr(bots, "REFRESH_SECONDS", 20.0)


@pytest.fixture
async def endpoint():
    opened = WebhookEndpoint()
    yield opened
    await opened.close()


@pytest.fixture
async def http(endpoint):
    transport = httpx2.ASGITransport(app=endpoint)
    async with httpx2.AsyncClient(transport=transport, base_url="http://portal.test") as client:
        yield client


@pytest.fixture
async def make(database):
    """Makes a webhook bot with key and token, unless told otherwise."""

    async def one(**values) -> Bot:
        defaults = {"transport": Transport.WEBHOOK, "encrypt_key": KEY, "verification_token": TOKEN}
        return await database.run(make_bot, **(defaults | values))

    return one


@pytest.fixture
async def bot(make):
    return await make()


@pytest.fixture
def loads(monkeypatch) -> list[float]:
    """When the bots were looked up."""
    times, load = [], bots._load
    monkeypatch.setattr(bots, "_load", lambda: times.append(time.monotonic()) or load())
    return times


@pytest.fixture
def stuck_store(monkeypatch):
    """A database that answers when the test lets it."""
    go, store = threading.Event(), writer.store
    monkeypatch.setattr(
        writer, "store", lambda batch, **options: go.wait(PATIENCE) and store(batch, **options)
    )
    yield go
    go.set()
