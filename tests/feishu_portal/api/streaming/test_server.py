"""The route as callers use it, before Django, on the sandbox's platform."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx2
import pytest
from asgiref.sync import sync_to_async

from bots.enums import StreamState
from bots.models import ReplyStream
from bots.streaming import service
from core.access.actors import SYSTEM
from core.access.api_keys import add_api_client
from core.access.scopes import Scope
from core.background.stopping import stopping
from feishu.streaming.cards import INTERRUPTED
from feishu_portal import asgi
from feishu_portal.api.endpoint import Endpoint
from feishu_portal.api.streaming import server, upload
from tests.feishu_portal.api.conforming import description
from tests.services.platform import APP_ID
from tests.services.processes import PATIENCE
from tests.services.streamed import bot_of, streaming_sandbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def hurried(monkeypatch, settings):
    monkeypatch.setattr(service, "END_PAUSES", (0.0,))
    settings.PLATFORM_NETWORKS = ["loopback"]


@pytest.fixture
def chat():
    with streaming_sandbox() as opened:
        yield opened


@pytest.fixture
def bot(transactional_db, chat):
    return bot_of(chat)


@pytest.fixture
def key(bot) -> str:
    return add_api_client(
        name="writer", scopes=[Scope.MESSAGES_SEND], bots=[bot], expires_at=None, actor=SYSTEM
    )[1]


@pytest.fixture
async def client(key) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=asgi.application)
    headers = {"authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://portal.test", headers=headers
    ) as opened:
        yield opened
    await asgi._endpoints[server.ROUTE].close()


def ndjson(*texts: str) -> bytes:
    return "".join(json.dumps({"text": text}) + "\n" for text in texts).encode()


async def post(client, chat, content, *, events: bool = False, key: str = "", bot: str = APP_ID, **query):
    query = query or {"receive_id": await asyncio.to_thread(lambda: chat.open_id)}
    headers = {"content-type": "text/event-stream" if events else "application/x-ndjson"}
    headers |= {"idempotency-key": key} if key else {}
    path = f"/api/v1/bots/{bot}/messages/stream"
    response = await client.post(path, params=query, content=content, headers=headers)
    described = await sync_to_async(description)()
    described.check("POST", path, response.status_code, response.headers, response.content)
    return response


async def cards(chat):
    return await asyncio.to_thread(lambda: chat.cards)


async def test_reply_is_shown_and_answered_with_its_messages(client, chat):
    response = await post(client, chat, ndjson("Hello ", "**world**"))
    assert response.status_code == 201
    [message] = await asyncio.to_thread(lambda: chat.messages)
    assert response.json() == {
        "outcome": "complete",
        "shown_as": "streamed",
        "message_ids": [message["message_id"]],
        "chat_id": message["chat_id"],
        "characters": 15,
    }
    assert response.headers["cache-control"] == "no-store"
    assert [(card.text, card.is_streaming) for card in await cards(chat)] == [("Hello **world**", False)]


async def test_events_answer_a_message(client, chat):
    said = await asyncio.to_thread(lambda: chat.sandbox.say("Hello?"))
    body = b'data: {"choices": [{"delta": {"content": "Yes?"}}]}\n\ndata: [DONE]\n\n'
    response = await post(client, chat, body, events=True, reply_to=said["message_id"])
    assert response.status_code == 201
    assert [card.text for card in await cards(chat)] == ["Yes?"]
    row = await ReplyStream.objects.aget()
    assert (row.kind, row.target, row.actor) == ("reply", said["message_id"], "api:writer")


async def test_key_is_answered_alike_and_writes_once(client, chat):
    first = await post(client, chat, ndjson("Hello"), key="k")
    second = await post(client, chat, ndjson("Another"), key="k")
    assert second.json() == first.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert [card.text for card in await cards(chat)] == ["Hello"]
    other = await post(client, chat, ndjson("x"), key="k", receive_id="ou_other")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ({"x": "y"}, "query.receive_id"),
        ({"receive_id": "ou_1", "reply_to": "om_1"}, "query.receive_id"),
        ({"receive_id": "ou 1"}, "query.receive_id"),
        ({"receive_id": "ou_1", "receive_id_type": "phone"}, "query.receive_id_type"),
        ({"receive_id": "oc_1", "receive_id_type": "open_id"}, "query.receive_id_type"),
        ({"receive_id": "e33ggbyz", "receive_id_type": "email"}, "query.receive_id_type"),
        ({"reply_to": "om_1", "reply_in_thread": "perhaps"}, "query.reply_in_thread"),
    ],
)
async def test_query_that_makes_no_sense_is_refused(client, chat, query, where):
    response = await post(client, chat, ndjson("x"), **query)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
    assert response.json()["errors"][0]["where"] == where


async def test_line_that_is_no_text_ends_the_reply_and_its_card_says_so(client, chat):
    response = await post(client, chat, ndjson("Half ") + b"what?\n")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")
    assert "Line 2" in response.json()["detail"]
    [card] = await cards(chat)
    assert (card.text, card.is_streaming) == ("Half ", False)
    assert INTERRUPTED.en_us in card.note


async def test_body_that_is_too_long_is_refused(client, chat, monkeypatch):
    monkeypatch.setattr(upload, "MAX_BODY", 10)
    response = await post(client, chat, ndjson("Hello world"))
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


async def test_refusal_of_the_platform_is_passed_on(client, chat):
    response = await post(client, chat, ndjson("Hello"), receive_id="ou_nobody")
    assert response.json()["code"] == "platform_refused"
    assert response.json()["platform_code"]


async def test_strangers_and_the_scopeless_are_refused(client, chat, bot):
    assert (await post(client, chat, ndjson("x"), bot="cli_ffffffffffffffff")).status_code == 404
    none = await sync_to_async(add_api_client)(
        name="none", scopes=[Scope.BOTS_READ], bots=[bot], expires_at=None, actor=SYSTEM
    )
    client.headers["authorization"] = f"Bearer {none[1]}"
    assert (await post(client, chat, ndjson("x"))).json()["code"] == "not_permitted"
    client.headers["authorization"] = "Bearer fp_wrong"
    assert (await post(client, chat, ndjson("x"))).status_code == 401
    assert await cards(chat) == []


async def test_too_many_at_once_are_refused(client, chat, monkeypatch):
    monkeypatch.setattr(server, "MAX_STREAMS", 0)
    response = await post(client, chat, ndjson("x"))
    assert (response.status_code, response.json()["code"]) == (503, "overloaded")


async def test_other_methods_are_djangos(client, chat, key):
    response = await client.get(f"/api/v1/bots/{APP_ID}/messages/stream")
    assert response.status_code == 405


@dataclass
class Caller:
    """A caller whose body comes in pieces, and breaks off where there are none left."""

    key: str
    query: str
    pieces: list[bytes]
    ends: bool = False
    waits: asyncio.Event | None = None
    sent: list[dict] = field(default_factory=list)

    async def receive(self) -> dict:
        if self.pieces:
            return {"type": "http.request", "body": self.pieces.pop(0), "more_body": True}
        if self.waits is not None:
            await self.waits.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict) -> None:
        self.sent.append(message)

    async def call(self) -> None:
        scope = {
            "type": "http",
            "method": "POST",
            "path": f"/api/v1/bots/{APP_ID}/messages/stream",
            "query_string": self.query.encode(),
            "headers": [(b"authorization", f"Bearer {self.key}".encode())],
            "client": ("127.0.0.1", 1),
        }
        endpoint = Endpoint(server.StreamServer, name="stream")
        try:
            await endpoint(scope, self.receive, self.send)
        finally:
            await endpoint.close()


async def query_of(chat) -> str:
    return f"receive_id={await asyncio.to_thread(lambda: chat.open_id)}"


@pytest.mark.parametrize("at", [5, 16, 17, 30, 40])
async def test_body_that_breaks_off_leaves_what_came_and_a_card_that_says_so(chat, key, at):
    body = ndjson("Hello", " wonderful", " world")
    caller = Caller(key, await query_of(chat), [body[:at]])
    await caller.call()
    assert caller.sent == []
    shown = await cards(chat)
    whole = body[:at].count(b"\n")
    assert [card.text for card in shown] == (["".join(["Hello", " wonderful"][:whole])] if whole else [])
    assert not any(card.is_streaming for card in shown)
    assert all(INTERRUPTED.en_us in card.note for card in shown)
    assert (await ReplyStream.objects.aget()).state == StreamState.INTERRUPTED


async def test_caller_that_says_nothing_any_more_is_not_waited_for(chat, key, monkeypatch):
    monkeypatch.setattr(upload, "IDLE_SECONDS", 0.3)
    caller = Caller(key, await query_of(chat), [ndjson("Hello")], waits=asyncio.Event())
    await caller.call()
    assert caller.sent[0]["status"] == 408
    assert not (await cards(chat))[0].is_streaming


async def test_process_that_is_to_end_ends_the_reply(chat, key, monkeypatch):
    monkeypatch.setattr(upload, "LOOK_SECONDS", 0.05)
    caller = Caller(key, await query_of(chat), [ndjson("Hello")], waits=asyncio.Event())
    calling = asyncio.create_task(caller.call())
    async with asyncio.timeout(PATIENCE):
        while not await cards(chat):
            await asyncio.sleep(0.02)
        monkeypatch.setattr(stopping, "is_asked", True)
        await calling
    assert caller.sent[0]["status"] == 503
    assert (await cards(chat))[0].is_streaming is False
