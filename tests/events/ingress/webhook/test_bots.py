import asyncio
import threading

import pytest
from django.db import OperationalError

from bots.enums import Transport
from bots.models import Bot
from events.ingress.webhook import bots
from events.models import Event
from tests.events.ingress.webhook.pushes import CHALLENGE, path, request
from tests.factories import message_event
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


async def test_burst_costs_one_query_for_bots(http, make, database, loads, monkeypatch):
    monkeypatch.setattr(bots, "FRESH_SECONDS", 60.0)
    made = [await make(), await make()]
    sent = [http.post(path(bot), **request(message_event())) for bot in made * 50]
    strangers = [http.post(f"/api/feishu/webhook/cli_{n}") for n in range(50)]
    answers = await asyncio.gather(*sent, *strangers)
    assert [answer.status_code for answer in answers] == [200] * 100 + [401] * 50
    assert await database.run(Event.objects.count) == 100
    assert len(loads) == 1


async def test_switched_bot_is_followed(http, bot, database, monkeypatch, loads):
    monkeypatch.setattr(bots, "FRESH_SECONDS", 0)
    for values, status in (
        ({"transport": Transport.WEBSOCKET}, 401),
        ({"callback_transport": Transport.WEBHOOK}, 200),
        ({"callback_transport": ""}, 401),
        ({"transport": Transport.WEBHOOK}, 200),
        ({"callback_transport": Transport.WEBSOCKET}, 200),
        ({"enabled": False}, 401),
        ({"enabled": True}, 200),
    ):
        await database.run(Bot.objects.filter(pk=bot.pk).update, **values)
        assert (await http.post(path(bot), **request(message_event()))).status_code == status
    assert len(loads) == 7


async def test_bots_are_loaded_again_after_a_few_seconds(http, bot, loads, monkeypatch):
    monkeypatch.setattr(bots, "FRESH_SECONDS", 0.05)
    async with asyncio.timeout(PATIENCE):
        while len(loads) < 2:
            assert (await http.post(path(bot), **request(message_event()))).status_code == 200


@pytest.fixture
def expired(monkeypatch):
    """Every request finds the list of bots a few seconds old."""
    monkeypatch.setattr(bots, "FRESH_SECONDS", 0)


async def test_request_goes_on_with_the_known_bots_while_the_database_hangs(http, bot, expired, monkeypatch):
    assert (await http.post(path(bot), **request(CHALLENGE))).status_code == 200
    monkeypatch.setattr(bots, "REFRESH_SECONDS", 0.01)
    go = threading.Event()
    monkeypatch.setattr(bots, "_load", lambda: go.wait(PATIENCE) and {})
    try:
        async with asyncio.timeout(PATIENCE):
            for _ in range(2):
                assert (await http.post(path(bot), **request(CHALLENGE))).status_code == 200
    finally:
        go.set()


async def test_request_goes_on_with_the_known_bots_while_the_database_is_away(
    http, bot, expired, monkeypatch, caplog
):
    assert (await http.post(path(bot), **request(CHALLENGE))).status_code == 200
    monkeypatch.setattr(bots, "_load", away)
    assert (await http.post(path(bot), **request(CHALLENGE))).status_code == 200
    assert [line.message for line in caplog.records] == ["webhook_bots_not_loaded"]


async def test_known_bots_are_used_no_more_after_a_while(http, bot, expired, monkeypatch):
    monkeypatch.setattr(bots, "KEPT_SECONDS", 0)
    assert (await http.post(path(bot), **request(CHALLENGE))).status_code == 200
    monkeypatch.setattr(bots, "_load", away)
    assert (await http.post(path(bot), **request(CHALLENGE))).status_code == 500


def away():
    raise OperationalError("gone")
