import asyncio

import pytest

from bots.enums import Transport
from bots.models import Bot
from events.ingress.webhook import bots
from events.models import Event
from tests.events.ingress.webhook.pushes import path, request
from tests.factories import message_event

pytestmark = pytest.mark.django_db(transaction=True)


async def test_burst_costs_one_look_up(http, make, database, loads):
    bots = [await make(), await make()]
    sent = [http.post(path(bot), **request(message_event())) for bot in bots * 50]
    strangers = [http.post(f"/api/feishu/webhook/cli_{n}") for n in range(50)]
    answers = await asyncio.gather(*sent, *strangers)
    assert [answer.status_code for answer in answers] == [200] * 100 + [404] * 50
    assert await database.run(Event.objects.count) == 100
    assert len(loads) == 1


async def test_switched_bot_is_followed(http, bot, database, monkeypatch, loads):
    monkeypatch.setattr(bots, "FRESH_SECONDS", 0)
    for values, status in (
        ({"transport": Transport.WEBSOCKET}, 404),
        ({"transport": Transport.WEBHOOK}, 200),
        ({"enabled": False}, 404),
        ({"enabled": True}, 200),
    ):
        await database.run(Bot.objects.filter(pk=bot.pk).update, **values)
        assert (await http.post(path(bot), **request(message_event()))).status_code == status
    assert len(loads) == 4


async def test_bots_are_looked_up_again_after_a_few_seconds(http, bot, loads, monkeypatch):
    monkeypatch.setattr(bots, "FRESH_SECONDS", 0.05)
    async with asyncio.timeout(5):
        while len(loads) < 2:
            assert (await http.post(path(bot), **request(message_event()))).status_code == 200
