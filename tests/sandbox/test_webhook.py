"""Delivery over HTTP: challenge, encryption, signature, retries, callbacks."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from feishu.encryption import decrypt
from feishu.signatures import verify_event
from tests.sandbox.cards import CARD_WITH_BUTTON
from tests.sandbox.conftest import Platform
from tests.services.processes import PATIENCE

KEY = "an encrypt key"


@dataclass
class Received:
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """An app's web server: returns challenges, answers the rest with `status` and `answer`."""

    key: str = ""
    status: int = 200
    answer: bytes = b"{}"
    delay: float = 0.0
    honest: bool = True
    url: str = ""
    received: list[Received] = field(default_factory=list)
    halves: list[bytes] = field(default_factory=list)
    """Bodies that broke off."""
    serving: set[asyncio.Task] = field(default_factory=set)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.add(asyncio.ensure_future(self.handle(reader, writer)))

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        headers = {name.lower(): value for name, value in headers.items()}
        try:
            body = await reader.readexactly(int(headers["content-length"]))
        except asyncio.IncompleteReadError as error:
            self.halves.append(error.partial)
            writer.close()
            return
        self.received.append(Received(headers, body))
        payload = self.open(body)
        answer, status = self.answer, self.status
        if payload.get("type") == "url_verification" and self.honest:
            answer, status = json.dumps({"challenge": payload["challenge"]}).encode(), 200
        await asyncio.sleep(self.delay)
        location = "Location: /elsewhere\r\n" if status == 302 else ""
        lines = f"HTTP/1.1 {status} Whatever\r\n{location}Content-Length: {len(answer)}\r\nConnection: close\r\n\r\n"
        writer.write(lines.encode() + answer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    def open(self, body: bytes) -> dict:
        parsed = json.loads(body)
        return json.loads(decrypt(self.key, parsed["encrypt"])) if "encrypt" in parsed else parsed

    def payloads(self) -> list[dict]:
        return [self.open(received.body) for received in self.received]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.accept, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    async with server:
        yield receiver
        await asyncio.wait_for(asyncio.gather(*receiver.serving), PATIENCE)


async def subscribe(platform: Platform, receiver: Receiver, **changes) -> None:
    receiver.key = changes.get("encrypt_key", "")
    body = {"mode": "webhook", "webhook_url": receiver.url, **changes}
    await platform.control("PUT", f"apps/{platform.app_id}", body)


async def push(platform: Platform, **wish) -> None:
    await platform.control("POST", "push", {"app_id": platform.app_id, "type": "test.event_v1", **wish})


async def test_url_is_saved_when_it_returns_the_challenge(platform: Platform, receiver: Receiver) -> None:
    await subscribe(platform, receiver)
    [payload] = receiver.payloads()
    assert set(payload) == {"challenge", "token", "type"}
    assert "x-lark-signature" not in receiver.received[0].headers


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ({"honest": False}, "challenge was not returned"),
        ({"honest": False, "answer": b"hi"}, "not a JSON object"),
        ({"honest": False, "status": 404}, "HTTP 404"),
        ({"delay": 1.3}, "no answer within 1 second"),
    ],
)
async def test_url_that_fails_the_challenge_is_not_saved(
    platform: Platform, receiver: Receiver, fault: dict, complaint: str
) -> None:
    for name, value in fault.items():
        setattr(receiver, name, value)
    body = {"mode": "webhook", "webhook_url": receiver.url}
    answer = await platform.control("PUT", f"apps/{platform.app_id}", body, status=422)
    assert complaint in answer["error"]
    modes = [app["mode"] for app in (await platform.control("GET", "apps"))["apps"]]
    assert modes == ["websocket", "websocket"]


async def test_plain_event_is_compact_json_without_a_signature(
    platform: Platform, receiver: Receiver
) -> None:
    await subscribe(platform, receiver)
    await push(platform, event={"a": 1})
    await platform.settled(1)
    got = receiver.received[1]
    assert got.headers["content-type"] == "application/json;charset=utf-8"
    assert "x-lark-signature" not in got.headers
    assert b'"event":{"a":1}' in got.body


async def test_encrypted_event_is_signed_over_the_body_as_sent(
    platform: Platform, receiver: Receiver
) -> None:
    await subscribe(platform, receiver, encrypt_key=KEY)
    await push(platform, event={"a": 1})
    await platform.settled(1)
    challenge, event = receiver.received
    assert set(json.loads(challenge.body)) == {"encrypt"}
    assert receiver.payloads()[1]["event"] == {"a": 1}
    assert verify_event(
        event.headers["x-lark-signature"],
        timestamp=event.headers["x-lark-request-timestamp"],
        nonce=event.headers["x-lark-request-nonce"],
        encrypt_key=KEY,
        body=event.body,
    )


@pytest.mark.parametrize("status", [500, 302, 204])
async def test_anything_but_200_is_tried_again(platform: Platform, receiver: Receiver, status: int) -> None:
    await subscribe(platform, receiver)
    receiver.status = status
    await platform.control("PUT", "settings", {"speed": 1e6})
    await push(platform)
    books = await platform.settled(1, "failed")
    assert [attempt["code"] for attempt in books["events"][0]["attempts"]] == [status] * 5
    assert len({payload["header"]["event_id"] for payload in receiver.payloads()[1:]}) == 1


async def test_first_attempt_breaks_off_in_the_middle_of_its_body(
    platform: Platform, receiver: Receiver
) -> None:
    await subscribe(platform, receiver)
    await platform.control("PUT", "settings", {"speed": 100})
    await platform.control("PUT", "faults", {"delivery": {"break_off": True}})
    await push(platform)
    books = await platform.settled(1)
    assert [attempt["outcome"] for attempt in books["events"][0]["attempts"]] == ["closed", "acked"]
    _challenge, whole = receiver.received
    assert receiver.halves == [whole.body[: len(whole.body) // 2]]


async def test_slow_and_absent_servers_are_told_apart(platform: Platform, receiver: Receiver) -> None:
    await subscribe(platform, receiver)
    receiver.delay = 0.8
    await platform.hurry()
    await push(platform)
    books = await platform.settled(1, "waiting")
    assert books["events"][0]["attempts"][0]["outcome"] == "timeout"
    await platform.put_app(webhook_url="http://127.0.0.1:1/")
    await push(platform)
    books = await platform.settled(2, "waiting")
    assert books["events"][1]["attempts"][0]["outcome"] == "unreachable"


async def click(platform: Platform) -> dict:
    sent = await platform.send(json.dumps(CARD_WITH_BUTTON), msg_type="interactive")
    wish = {"person": "lilei", "message_id": sent.json()["data"]["message_id"]}
    return await platform.control("POST", "click", wish)


async def test_callback_answers_in_the_body(platform: Platform, receiver: Receiver) -> None:
    await subscribe(platform, receiver, encrypt_key=KEY)
    receiver.answer = json.dumps({"toast": {"type": "success", "content": "Saved"}}).encode()
    result = await click(platform)
    assert (result["code"], result["toast"]["content"]) == (0, "Saved")
    assert receiver.payloads()[-1]["header"]["event_type"] == "card.action.trigger"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 500}, 200671),
        ({"status": 302}, 200671),
        ({"answer": b"ok"}, 200672),
        ({"delay": 0.8}, 200341),
    ],
)
async def test_callback_that_fails_has_the_clients_code(
    platform: Platform, receiver: Receiver, fault: dict, code: int
) -> None:
    await subscribe(platform, receiver)
    if "delay" in fault:
        await platform.hurry()
    for name, value in fault.items():
        setattr(receiver, name, value)
    assert (await click(platform))["code"] == code


async def test_callback_without_an_address_and_to_nowhere(platform: Platform) -> None:
    await platform.put_app(mode="webhook")
    assert (await click(platform))["code"] == 200340
    await platform.put_app(callback_url="http://127.0.0.1:1/")
    assert (await click(platform))["code"] == 200342
