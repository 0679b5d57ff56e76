import asyncio

import pytest

from bots.models import Bot
from events.ingress.webhook import refusals, server
from tests.events.ingress.webhook.pushes import CHALLENGE, path, refused, request
from tests.factories import message_event

pytestmark = pytest.mark.django_db(transaction=True)


async def test_body_of_the_greatest_length_is_taken_and_a_longer_one_refused(http, bot, settings):
    sent = request(message_event())
    settings.WEBHOOK_MAX_BYTES = len(sent["content"])
    assert (await http.post(path(bot), **sent)).status_code == 200
    settings.WEBHOOK_MAX_BYTES -= 1
    assert refused(await http.post(path(bot), **sent)) == (413, "body_too_large")


async def test_longer_body_is_refused_whatever_length_it_announces(http, bot, settings):
    settings.WEBHOOK_MAX_BYTES = 1000

    async def pieces():
        for _ in range(11):
            yield b"x" * 100

    for headers in ({}, {"Content-Length": "10"}, {"Content-Length": "9" * 5000}, {"Content-Length": "x"}):
        response = await http.post(path(bot), content=pieces(), headers=headers)
        assert refused(response) == (413, "body_too_large")


async def call(endpoint, bot: Bot, receive) -> list[dict]:
    """What the endpoint sends when its server's ``receive`` is this one."""
    sent: list[dict] = []

    async def send(message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path(bot), "headers": []}
    await endpoint(scope, receive, send)
    return sent


async def test_body_that_does_not_come_is_not_waited_for(endpoint, bot, monkeypatch):
    monkeypatch.setattr(server, "BODY_SECONDS", 0.05)
    started = asyncio.Event()

    async def drip():
        if started.is_set():
            await asyncio.Event().wait()
        started.set()
        return {"type": "http.request", "body": b"{", "more_body": True}

    [start, _body] = await asyncio.wait_for(call(endpoint, bot, drip), 5)
    assert start["status"] == 408


async def test_caller_that_hangs_up_gets_no_answer_and_leaves_no_trace(endpoint, bot, caplog):
    async def hang_up():
        return {"type": "http.disconnect"}

    assert await call(endpoint, bot, hang_up) == []
    await endpoint.close()
    assert caplog.records == []


@pytest.mark.parametrize(
    ("limits", "answer", "reason"),
    [
        ({"WEBHOOK_BOT_REQUESTS": 2}, (429, "too_many_requests"), "bot_busy"),
        ({"WEBHOOK_REQUESTS": 2}, (503, "overloaded"), "all_busy"),
    ],
)
async def test_requests_beyond_a_limit_are_refused_at_once_and_counted(
    http, endpoint, bot, settings, stuck_store, caplog, limits, answer, reason
):
    for name, value in limits.items():
        setattr(settings, name, value)
    assert (await http.post(path(bot), **request(CHALLENGE))).status_code == 200
    going = {asyncio.create_task(http.post(path(bot), **request(message_event()))) for _ in range(5)}
    refusals = []
    async with asyncio.timeout(10):
        while len(refusals) < 3:
            done, going = await asyncio.wait(going, return_when=asyncio.FIRST_COMPLETED)
            refusals += [refused(task.result()) for task in done]
    assert refusals == [answer] * 3
    stuck_store.set()
    assert [(await task).status_code for task in going] == [200, 200]
    assert (await http.post(path(bot), **request(message_event()))).status_code == 200
    await endpoint.close()
    assert [(line.reason, line.app_id, line.requests) for line in caplog.records] == [(reason, bot.app_id, 3)]


async def test_busy_bot_leaves_room_for_the_others(http, make, settings, stuck_store):
    settings.WEBHOOK_BOT_REQUESTS = 1
    busy, other = await make(), await make()
    first = asyncio.create_task(http.post(path(busy), **request(message_event())))
    async with asyncio.timeout(10):
        while (await http.post(path(busy), **request(CHALLENGE))).status_code != 429:
            await asyncio.sleep(0)
    assert (await http.post(path(other), **request(CHALLENGE))).status_code == 200
    stuck_store.set()
    assert (await first).status_code == 200


async def test_refusals_are_written_while_the_portal_runs(http, bot, caplog, monkeypatch):
    monkeypatch.setattr(refusals, "LINE_SECONDS", 0.05)
    await asyncio.gather(*(http.post(path(bot)) for _ in range(7)))
    async with asyncio.timeout(10):
        while sum(line.requests for line in caplog.records) < 7:
            await asyncio.sleep(0.01)
    assert {line.reason for line in caplog.records} == {"plain_body"}
