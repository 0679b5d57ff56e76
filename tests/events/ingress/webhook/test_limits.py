import asyncio

import pytest

from bots.models import Bot
from core.background import request_bodies
from events.ingress.webhook import server
from tests.events.ingress.webhook.pushes import CHALLENGE, path, refused, request
from tests.factories import message_event
from tests.services.processes import PATIENCE

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

    [start, _body] = await asyncio.wait_for(call(endpoint, bot, drip), PATIENCE)
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
    async with asyncio.timeout(PATIENCE):
        while len(refusals) < 3:
            done, going = await asyncio.wait(going, return_when=asyncio.FIRST_COMPLETED)
            refusals += [refused(task.result()) for task in done]
    assert refusals == [answer] * 3
    stuck_store.set()
    assert [(await task).status_code for task in going] == [200, 200]
    assert (await http.post(path(bot), **request(message_event()))).status_code == 200
    await endpoint.close()
    assert {(line.reason, line.app_id) for line in caplog.records} == {(reason, bot.app_id)}
    assert [line.requests for line in caplog.records] == [1, 2]


async def test_busy_bot_leaves_room_for_the_others(http, make, settings, stuck_store):
    settings.WEBHOOK_BOT_REQUESTS = 1
    busy, other = await make(), await make()
    going = [asyncio.create_task(http.post(path(busy), **request(message_event()))) for _ in range(2)]
    async with asyncio.timeout(PATIENCE):
        done, waiting = await asyncio.wait(going, return_when=asyncio.FIRST_COMPLETED)
    assert [task.result().status_code for task in done] == [429]
    another = asyncio.create_task(http.post(path(other), **request(message_event())))
    await asyncio.sleep(0)
    stuck_store.set()
    assert [(await task).status_code for task in (*waiting, another)] == [200, 200]


class SlowBodies:
    """Requests of which one byte came and the rest does not, from one address."""

    def __init__(self, endpoint, host: str, *, first: bytes = b"{") -> None:
        self._endpoint, self._host, self._first = endpoint, host, first
        self.statuses: list[int] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def open(self, bot: Bot, count: int) -> None:
        before = [asyncio.Event() for _ in range(count)]
        self.tasks += [asyncio.create_task(self._send(bot, waiting)) for waiting in before]
        for waiting in before:
            await waiting.wait()

    async def hang_up(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _send(self, bot: Bot, waiting: asyncio.Event) -> None:
        pieces = [self._first] if self._first else []

        async def receive():
            if not pieces:
                waiting.set()
                await asyncio.Event().wait()
            return {"type": "http.request", "body": pieces.pop(), "more_body": True}

        async def send(message) -> None:
            if message["type"] == "http.response.start":
                self.statuses.append(message["status"])

        scope = {
            "type": "http",
            "method": "POST",
            "path": path(bot),
            "headers": [],
            "client": (self._host, 1),
        }
        await self._endpoint(scope, receive, send)


async def some_ended(slow: list[SlowBodies], count: int) -> None:
    """Until so many have given way, long before their own time is over."""
    async with asyncio.timeout(PATIENCE):
        while sum(len(one.statuses) for one in slow) < count:
            await asyncio.sleep(0.001)


@pytest.fixture
def patient(monkeypatch):
    monkeypatch.setattr(server, "FIRST_BYTE_SECONDS", 2 * PATIENCE)
    monkeypatch.setattr(server, "BODY_SECONDS", 2 * PATIENCE)
    monkeypatch.setattr(request_bodies, "YOUNG_SECONDS", 0.0)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.7", "2001:db8::7"])
async def test_slow_bodies_take_no_place_of_a_bots(http, endpoint, bot, settings, host):
    settings.WEBHOOK_REQUESTS, settings.WEBHOOK_BOT_REQUESTS = 32, 4
    slow = SlowBodies(endpoint, host)
    await slow.open(bot, 40)
    answers = [await http.post(path(bot), **request(message_event())) for _ in range(30)]
    assert {answer.status_code for answer in answers} == {200}
    # Of one address a quarter is under way; the others gave way to those that came later.
    await some_ended([slow], 40 - 8)
    assert set(slow.statuses) == {408}
    await slow.hang_up()


@pytest.mark.usefixtures("patient")
async def test_slow_bodies_from_everywhere_give_way_to_whole_ones(http, endpoint, bot, settings):
    settings.WEBHOOK_REQUESTS = 8
    slow = [SlowBodies(endpoint, f"192.0.2.{number}") for number in range(12)]
    for one in slow:
        await one.open(bot, 1)
    await some_ended(slow, 4)
    assert (await http.post(path(bot), **request(message_event()))).status_code == 200
    for one in slow:
        await one.hang_up()


async def test_first_byte_is_waited_for_shortly(endpoint, bot, monkeypatch):
    monkeypatch.setattr(server, "FIRST_BYTE_SECONDS", 0.05)
    monkeypatch.setattr(server, "BODY_SECONDS", 2 * PATIENCE)
    slow = SlowBodies(endpoint, "192.0.2.7", first=b"")
    await slow.open(bot, 3)
    await asyncio.wait_for(asyncio.gather(*slow.tasks), PATIENCE)
    assert slow.statuses == [408] * 3


@pytest.mark.usefixtures("patient")
async def test_bodies_under_way_are_bounded_in_bytes(endpoint, bot, settings, monkeypatch):
    monkeypatch.setattr(request_bodies, "MAX_BYTES", 10_000)
    settings.WEBHOOK_MAX_BYTES = 2_000
    slow = SlowBodies(endpoint, "192.0.2.7", first=b"x" * 1_900)
    await slow.open(bot, 20)
    await some_ended([slow], 20 - 6)
    await slow.hang_up()


async def test_flood_of_refusals_is_a_line_at_once_and_one_for_the_rest(http, endpoint, bot, caplog):
    await asyncio.gather(*(http.post(path(bot)) for _ in range(7)))
    assert [(line.reason, line.requests) for line in caplog.records] == [("body_unreadable", 1)]
    await endpoint.close()
    assert [(line.reason, line.requests) for line in caplog.records] == [
        ("body_unreadable", 1),
        ("body_unreadable", 6),
    ]
