"""Every documented event, from the wire to its handler, by both transports."""

import json
import time
from types import SimpleNamespace
from typing import Any, cast

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bots.enums import Transport
from events.clicks.responder import CallbackResponder
from events.enums import Arrived, EventStatus
from events.handling import registry
from events.handling.aliases import ALIASES
from events.ingress import writer
from events.ingress.incoming import read_event
from events.ingress.receive import Receiver
from events.ingress.webhook.endpoint import WebhookEndpoint
from events.ingress.websocket import WebsocketSink
from events.ingress.writer import Intake
from events.models import Event
from feishu.encryption import encrypt
from feishu.long_connection.messages import Message
from feishu.signatures import event_signature
from tests.events.handler_runs import run_due
from tests.events.payloads import EVENTS, OLD_EVENTS
from tests.factories import make_bot

KEY, TOKEN = "the-encrypt-key-of-the-tests", "verification-token"
HEADER = {"token": TOKEN, "tenant_key": "1a2b3c4d5e6f7081"}


def envelope(event_type: str) -> dict[str, Any]:
    if event_type in OLD_EVENTS:
        return {
            "ts": f"{time.time():.7f}",
            "uuid": "c0ffee00112233445566778899aabbcc",
            "token": TOKEN,
            "type": "event_callback",
            "event": {"type": event_type, "tenant_key": HEADER["tenant_key"]} | OLD_EVENTS[event_type],
        }
    header = HEADER | {
        "event_id": "0f3c9a6d5b1e4f7a8b2c3d4e5f607182",
        "event_type": event_type,
        "create_time": str(int(time.time() * 1000)),
    }
    return {"schema": "2.0", "header": header, "event": EVENTS[event_type]}


async def by_long_connection(bot, body: bytes) -> None:
    async with Receiver(Intake(), CallbackResponder()) as receiver:
        message = SimpleNamespace(payload=body, trace_id="trace", received_at=time.monotonic(), kind="event")
        assert (await WebsocketSink(receiver)(bot.pk, cast("Message", message))).code == 200


async def by_webhook(bot, body: bytes) -> None:
    content = json.dumps({"encrypt": encrypt(KEY, body)}, separators=(",", ":")).encode()
    timestamp = str(int(time.time()))
    headers = {
        "X-Lark-Request-Timestamp": timestamp,
        "X-Lark-Request-Nonce": "n0nce-1",
        "X-Lark-Signature": event_signature(timestamp, "n0nce-1", KEY, content),
    }
    endpoint = WebhookEndpoint()
    transport = httpx2.ASGITransport(app=endpoint)
    async with httpx2.AsyncClient(transport=transport, base_url="http://portal.test") as client:
        address = f"/api/feishu/webhook/{bot.app_id}"
        assert (await client.post(address, content=content, headers=headers)).status_code == 200
    await endpoint.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("push", [by_long_connection, by_webhook])
@pytest.mark.parametrize("event_type", [*EVENTS, *OLD_EVENTS])
async def test_documented_event_reaches_its_handler(event_type, push, database, own_handlers, monkeypatch):
    monkeypatch.setattr(writer, "notify_worker", lambda: True)
    got: list[Any] = []
    registry.on(event_type)(lambda event, bot: got.append((event.data, event.tenant_key)))
    bot = await database.run(make_bot, transport=Transport.WEBHOOK, encrypt_key=KEY, verification_token=TOKEN)
    payload = envelope(event_type)
    await push(bot, json.dumps(payload, ensure_ascii=False).encode())
    await database.run(run_due, bot)
    assert got == [(payload["event"], "1a2b3c4d5e6f7081")]
    stored = await database.run(Event.objects.get)
    assert (stored.event_type, stored.status) == (event_type, EventStatus.DONE)


@pytest.mark.parametrize("event_type", EVENTS)
def test_documented_event_has_the_official_model(event_type):
    typed = Event(event_type=event_type, payload=json.dumps(envelope(event_type)).encode()).typed
    assert typed.header.event_type == event_type
    assert typed.event is not None


@pytest.mark.parametrize("event_type", OLD_EVENTS)
def test_event_of_schema_1_is_typed_as_a_custom_one(event_type):
    typed = Event(event_type=event_type, payload=json.dumps(envelope(event_type)).encode()).typed
    assert typed.event["type"] == event_type


def test_typed_message_names_its_fields():
    typed = Event(
        event_type="im.message.receive_v1", payload=json.dumps(envelope("im.message.receive_v1")).encode()
    ).typed
    assert typed.event.message.chat_id == "oc_ddddeeeeffff"
    assert typed.event.sender.sender_id.open_id == "ou_33334444"


def test_every_alias_stands_for_a_documented_event():
    assert {alias.event_type for alias in ALIASES.values()} <= EVENTS.keys() | OLD_EVENTS.keys()


# --- anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["schema", "header", "event", "uuid", "type", "token", "action", "open_message_id"])
ENVELOPES = st.dictionaries(NAMES, JSON, max_size=8) | st.fixed_dictionaries(
    {
        "schema": st.just("2.0"),
        "header": st.dictionaries(
            st.sampled_from(["event_id", "event_type", "create_time", "tenant_key"]), JSON, max_size=4
        ),
        "event": JSON,
    }
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200) | ENVELOPES.map(lambda one: json.dumps(one).encode()))
def test_whatever_comes_can_be_stored(body):
    one = read_event(bot_id=cast("Any", "bot"), payload=body, arrived_by=Arrived.WEBSOCKET)
    assert len(one.dedupe_key) <= 200
    assert "\x00" not in one.event_type + one.event_id + one.tenant_key + one.error


@settings(max_examples=100)
@given(event=JSON, event_type=st.sampled_from([*EVENTS, *OLD_EVENTS, "card.action.trigger"]))
def test_whatever_is_inside_breaks_no_lookup_of_handlers(event, event_type):
    body = json.dumps({"schema": "2.0", "header": {"event_type": event_type}, "event": event}).encode()
    stored = Event(event_type=event_type, payload=body)
    assert isinstance(stored.data, dict)
    registry.handlers_of(stored)
