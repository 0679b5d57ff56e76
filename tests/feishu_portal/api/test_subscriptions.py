import asyncio
import gc
import json
from contextlib import ExitStack, aclosing
from importlib import import_module
from uuid import uuid4

import pytest
from django.db import connection
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext

from core.access.actors import SYSTEM
from core.access.roles import Role
from core.access.scopes import Scope
from core.background.stopping import stopping
from core.background.waiting import GrowingPauses
from events.enums import SubscriptionKind
from events.handling.registry import HandlerRegistry
from events.subscriptions.service import change_subscription, pause, remove
from feishu_portal.api import long_poll
from tests.events.handler_runs import dispatched, stored_event
from tests.factories import make_bot, make_subscription
from tests.feishu_portal.api.callers import api_client
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.django_db

api = import_module("feishu_portal.api.subscriptions")  # the package's attribute of that name is the router


@pytest.fixture(autouse=True)
def no_handlers(monkeypatch):
    monkeypatch.setattr("events.handling.registry._registry", HandlerRegistry())


@pytest.fixture
def bot():
    return make_bot()


@pytest.fixture
def subscription(bot):
    return make_subscription(bot, kind=SubscriptionKind.PULL)


@pytest.fixture
def reader(bot):
    return api_client(Scope.EVENTS_READ, bots=[bot])


def address(subscription, what="/events"):
    return f"/api/v1/subscriptions/{subscription.pk}{what}"


def arrive(bot, count=1):
    for _ in range(count):
        dispatched(stored_event(bot=bot))


def test_events_are_fetched_and_acknowledged(bot, subscription, reader):
    arrive(bot, 3)
    page = reader.get(address(subscription), {"limit": 2}).json()
    assert [item["event"]["app_id"] for item in page["items"]] == [bot.app_id] * 2
    assert page["next_cursor"] == page["items"][-1]["delivery"]
    answer = reader.post(
        address(subscription, "/ack"), {"cursor": page["next_cursor"]}, content_type="application/json"
    )
    assert answer.json() == {"acknowledged": 2}
    assert len(reader.get(address(subscription)).json()["items"]) == 1
    lag = reader.get(address(subscription, "")).json()
    assert (lag["waiting"], lag["state"]) == (1, "active")


@pytest.mark.parametrize("data", [{}, {"cursor": 1, "ids": [1]}, {"cursor": -1}, {"ids": [2**70]}])
def test_an_acknowledgement_that_says_nothing_clear_is_refused(subscription, reader, data):
    answer = reader.post(address(subscription, "/ack"), data, content_type="application/json")
    assert answer.status_code == 422


def test_nothing_comes_while_it_is_paused(bot, subscription, reader):
    arrive(bot)
    pause(subscription, actor=SYSTEM)
    assert reader.get(address(subscription)).json() == {"items": [], "next_cursor": 0}


def strangers(bot, subscription):
    other = make_bot()
    wide = make_subscription(bot, other, kind=SubscriptionKind.PULL)
    pushed = make_subscription(bot)
    everything = make_subscription(kind=SubscriptionKind.PULL)
    removed = make_subscription(bot, kind=SubscriptionKind.PULL)
    remove(removed, actor=SYSTEM)
    key = api_client(Scope.EVENTS_READ, bots=[bot])
    return [
        (api_client(Scope.EVENTS_READ, bots=[other]), subscription.pk),
        (key, wide.pk), (key, pushed.pk), (key, everything.pk), (key, removed.pk), (key, uuid4()),
    ]  # fmt: skip


def test_a_stranger_can_tell_nothing(bot, subscription):
    answers = set()
    for client, pk in strangers(bot, subscription):
        for path in ("", "/events", "/stream"):
            answer = client.get(f"/api/v1/subscriptions/{pk}{path}")
            answers.add((answer.status_code, answer.content))
        answer = client.post(
            f"/api/v1/subscriptions/{pk}/ack", {"cursor": 9}, content_type="application/json"
        )
        answers.add((answer.status_code, answer.content))
    assert {status for status, _body in answers} == {404}
    assert len(answers) == 1


def test_subscription_whose_bots_are_gone_is_not_there_for_other_keys(bot, subscription, reader):
    other = make_bot()
    arrive(bot)
    type(bot).objects.filter(pk=bot.pk).update(deleted_at=bot.created_at)
    for client in (reader, api_client(Scope.EVENTS_READ, bots=[other])):
        assert client.get(address(subscription)).status_code == 404
    everything = api_client(Scope.EVENTS_READ).get(address(subscription))
    assert (everything.status_code, everything.json()["items"]) == (200, [])


def test_bot_taken_out_of_a_subscription_leaves_nothing_to_keys_of_the_others(bot, reader):
    other = make_bot()
    wide = make_subscription(bot, other, kind=SubscriptionKind.PULL)
    arrive(other)
    assert reader.get(address(wide)).status_code == 404
    change_subscription(wide, bots=[bot], changed=["bots"], actor=SYSTEM)
    arrive(bot)
    items = reader.get(address(wide)).json()["items"]
    assert [item["event"]["app_id"] for item in items] == [bot.app_id]
    assert reader.get(address(wide, "")).json()["waiting"] == 1


def test_owner_who_may_manage_nothing_gives_nothing_away(bot, subscription, reader):
    arrive(bot)
    subscription.owner.role = Role.AUDITOR
    subscription.owner.save()
    assert reader.get(address(subscription)).status_code == 404


def test_a_key_needs_the_scope(bot, subscription):
    client = api_client(Scope.BOTS_READ, bots=[bot])
    assert client.get(address(subscription)).status_code == 403


def test_a_page_takes_as_many_queries_for_many_events_as_for_one(bot, subscription, reader):
    counts = []
    reader.get(address(subscription))  # notes that the key was used
    for more in (1, 9):
        arrive(bot, more)
        with CaptureQueriesContext(connection) as queries:
            assert reader.get(address(subscription)).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 6


def elsewhere(function):
    """In a thread of its own, as another process would."""
    try:
        return function()
    finally:
        connection.close()


def arrive_elsewhere(bot, count=1):
    elsewhere(lambda: arrive(bot, count))


@pytest.fixture
def patient(reader):
    """Asks with the reader's key, asynchronously."""
    client, key = AsyncClient(), reader.defaults["HTTP_AUTHORIZATION"]

    async def get(path, query=None, **headers):
        return await client.get(path, query, headers={"authorization": key, **headers})

    return get


class AsLongAsATest(GrowingPauses):
    """Pauses of a long poll that does not end while a slow machine prepares what it waits for."""

    def within(self, seconds):
        return super().within(seconds and PATIENCE)


@pytest.fixture
def long_waits(monkeypatch):
    monkeypatch.setattr(long_poll, "PAUSES", AsLongAsATest(first=0.05, longest=0.5))


@pytest.mark.django_db(transaction=True)
async def test_a_long_poll_ends_when_something_arrives(bot, subscription, patient, long_waits):
    waiting = asyncio.create_task(patient(address(subscription), {"wait": "30"}))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await asyncio.to_thread(arrive_elsewhere, bot)
    answer = await asyncio.wait_for(waiting, PATIENCE)
    assert len(answer.json()["items"]) == 1


@pytest.mark.django_db(transaction=True)
async def test_a_stream_goes_on_behind_the_last_event_and_ends(bot, subscription, patient, monkeypatch):
    monkeypatch.setattr(api, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(api, "HEARTBEAT_SECONDS", 0.1)
    await asyncio.to_thread(arrive_elsewhere, bot, 2)
    answer = await patient(address(subscription, "/stream"))
    parts: list[bytes] = []
    async with asyncio.timeout(PATIENCE), aclosing(answer.streaming_content) as stream:
        while parts[-1:] != [b": alive\n\n"]:
            parts.append(await anext(stream))
    events = parts[:-1]
    assert len(events) == 2
    monkeypatch.setattr(api, "STREAM_SECONDS", 0.0)
    number = events[0].split(b"\n")[0].removeprefix(b"id: ").decode()
    assert json.loads(events[0].split(b"data: ")[1])["app_id"] == bot.app_id
    again = await patient(address(subscription, "/stream"), **{"Last-Event-ID": number})
    rest = [part async for part in again.streaming_content if part.startswith(b"id: ")]
    assert rest == events[1:]


async def test_streams_and_long_polls_end_when_their_process_is_to_end(monkeypatch):
    monkeypatch.setattr(api, "STREAM_SECONDS", 1e9)
    monkeypatch.setattr(api, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(long_poll, "PAUSES", GrowingPauses(first=0.01, longest=0.01))

    async def nothing(*_after):
        return []

    async def read_all():
        return [part async for part in api._stream(nothing, [], 0, ExitStack())]

    reading = asyncio.create_task(read_all())
    polling = asyncio.create_task(long_poll.until(nothing, bool, seconds=1e9, client="a test"))
    await asyncio.sleep(0)
    assert not reading.done()
    assert not polling.done()
    monkeypatch.setattr(stopping, "is_asked", True)
    assert await reading == []
    assert await polling == []


def test_a_last_event_that_is_no_number_is_refused(subscription, reader):
    answer = reader.get(address(subscription, "/stream"), headers={"Last-Event-ID": "x"})
    assert answer.status_code == 422


def test_an_event_written_on_several_lines_is_one_line_of_a_stream():
    assert api._on_one_line(b'{"a":\n1}') == b'{"a": 1}'
    assert api._on_one_line(b'{"a":\r\n"\\ud83d\\n"}') == b'{"a":  "\\ud83d\\n"}'
    deep = b"[" * 10_000 + b"\n" + b"]" * 10_000
    assert api._on_one_line(deep) == deep.replace(b"\n", b" ")


def key_of(client):
    return {"authorization": client.defaults["HTTP_AUTHORIZATION"]}


@pytest.mark.django_db(transaction=True)
async def test_one_client_has_a_quarter_of_the_streams_at_most(bot, subscription, patient, monkeypatch):
    monkeypatch.setattr(api, "MAX_STREAMS", 8)
    other = key_of(await asyncio.to_thread(elsewhere, lambda: api_client(Scope.EVENTS_READ, bots=[bot])))
    path = address(subscription, "/stream")
    opened = [await patient(path) for _ in range(2)]
    refused = await patient(path)
    assert [answer.status_code for answer in (*opened, refused)] == [200, 200, 429]
    assert (refused.json()["code"], refused["Retry-After"]) == ("too_many_streams", "5")
    assert (await AsyncClient().get(path, headers=other)).status_code == 200
    opened.pop().close()
    opened.clear()
    gc.collect()
    assert (await patient(path)).status_code == 200


async def test_finalizer_of_a_stream_leaves_its_places_to_the_loop():
    given_back, places = [], ExitStack()
    places.callback(given_back.append, True)
    api._close_soon(asyncio.get_running_loop(), places)
    assert given_back == []  # the garbage collector may have interrupted whoever holds the lock of the places
    await asyncio.sleep(0)
    assert given_back == [True]


@pytest.mark.django_db(transaction=True)
async def test_one_client_has_a_quarter_of_the_long_polls_at_most(
    bot, subscription, patient, long_waits, monkeypatch
):
    monkeypatch.setattr(long_poll, "MAX_WAITING", 8)
    other = key_of(await asyncio.to_thread(elsewhere, lambda: api_client(Scope.EVENTS_READ, bots=[bot])))
    path, places = address(subscription), long_poll._limits
    waiting = [asyncio.create_task(patient(path, {"wait": "60"})) for _ in range(2)]
    async with asyncio.timeout(PATIENCE):
        while sum(places._taken.values()) < 4:  # two of everybody's, two of the client's
            await asyncio.sleep(0.01)
    refused = await patient(path, {"wait": "60"})
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_waiting")
    assert (await patient(path)).status_code == 200
    waiting.append(asyncio.create_task(AsyncClient().get(path, {"wait": "60"}, headers=other)))
    async with asyncio.timeout(PATIENCE):
        while sum(places._taken.values()) < 6:
            await asyncio.sleep(0.01)
    await asyncio.to_thread(arrive_elsewhere, bot)
    answers = await asyncio.wait_for(asyncio.gather(*waiting), PATIENCE)
    assert [answer.status_code for answer in answers] == [200] * 3
