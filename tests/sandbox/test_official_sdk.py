"""The judge: the official SDK, as it is installed, believes that the sandbox is the platform."""

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.cards import CARD_WITH_BUTTON
from tests.sandbox.conftest import REDIRECT, Platform
from tests.services.ports import free_port
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.processes
HERE = Path(__file__).parent
BOT = HERE / "official_sdk_bot.py"
CHANNEL = HERE / "official_sdk_channel.py"
TOUR = HERE / "official_sdk_tour.py"
WEBHOOK = HERE / "official_sdk_webhook.py"


@pytest.fixture
def platform(served: Platform) -> Platform:
    return served


@pytest.fixture
async def sdk_bot(platform: Platform):
    """The bot, connected."""
    bot = await asyncio.create_subprocess_exec(
        sys.executable, str(BOT), platform.url, platform.app_id, platform.secret
    )
    try:
        async with asyncio.timeout(PATIENCE):
            while not (await platform.books())["connections"]:
                assert bot.returncode is None
                await asyncio.sleep(0.1)
        yield bot
    finally:
        with contextlib.suppress(ProcessLookupError):
            bot.kill()
        await bot.wait()


async def texts(platform: Platform) -> list[str]:
    found = await platform.control("GET", "messages", person="lilei", app_id=platform.app_id)
    return [
        json.loads(message["content"])["text"]
        for message in found["messages"]
        if message["msg_type"] == "text"
    ]


async def previews_of(platform: Platform) -> list[dict[str, Any]]:
    found = await platform.control("GET", "messages", person="lilei", app_id=platform.app_id)
    return [preview for message in found["messages"] for preview in message["previews"]]


async def test_the_sdk_connects_receives_answers_and_pings(platform: Platform, sdk_bot) -> None:
    await platform.control("POST", "say", {"person": "lilei", "app_id": platform.app_id, "text": "hello"})
    books = await platform.settled(1)
    assert books["counts"]["acked"] == 1
    assert books["events"][0]["acked_code"] == 200
    assert await texts(platform) == ["hello", "re: hello", "and one more"]
    assert books["connections"][0]["pings"] == 1
    assert books["connections"][0]["strange_frames"] == 0

    await platform.control("PUT", "faults", {"delivery": {"chunks": 4, "shuffle_chunks": True}})
    await platform.control("POST", "say", {"person": "lilei", "app_id": platform.app_id, "text": "in pieces"})
    await platform.settled(2)
    assert (await texts(platform))[-3:] == ["in pieces", "re: in pieces", "and one more"]


async def test_the_sdk_answers_a_click_with_a_toast_and_a_new_card_and_a_link_with_its_title(
    platform: Platform, sdk_bot
) -> None:
    sent = await platform.send(json.dumps(CARD_WITH_BUTTON), msg_type="interactive")
    message_id = sent.json()["data"]["message_id"]
    result = await platform.control(
        "POST", "click", {"person": "lilei", "message_id": message_id, "button": 0}
    )
    assert result["code"] == 0
    assert result["toast"]["content"] == "Saved"
    shown = await platform.control("GET", "messages", person="lilei", app_id=platform.app_id)
    assert "chosen: later" in shown["messages"][-1]["content"]
    await platform.put_app(callbacks=["url.preview.get"])
    await platform.control(
        "POST", "say", {"person": "lilei", "app_id": platform.app_id, "text": "https://example.com/x"}
    )
    async with asyncio.timeout(PATIENCE):
        while not (previews := await previews_of(platform)):
            await asyncio.sleep(0.02)
    assert [preview["title"] for preview in previews] == ["at https://example.com/x"]


async def test_an_event_the_sdk_has_no_handler_for_is_refused_and_pushed_again(
    platform: Platform, sdk_bot
) -> None:
    await platform.control("PUT", "settings", {"speed": 1_000_000})
    await platform.control("POST", "push", {"app_id": platform.app_id, "type": "contact.user.created_v3"})
    books = await platform.settled(1, "failed")
    assert [attempt["code"] for attempt in books["events"][0]["attempts"]] == [500] * 5


async def test_the_sdk_understands_every_answer(platform: Platform) -> None:
    url = f"{platform.url}/open-apis/authen/v1/authorize?client_id={platform.app_id}&redirect_uri={REDIRECT}"
    wish = {"url": f"{url}&scope=auth:user.id:read", "person": "lilei"}
    code = (await platform.control("POST", "authorize", wish))["redirect"].rpartition("=")[2]
    body = {
        "grant_type": "authorization_code",
        "client_id": platform.app_id,
        "client_secret": platform.secret,
        "code": code,
    }
    token = (await platform.http.post("/oauth/v3/token", json=body)).json()["access_token"]
    arguments = [platform.url, platform.app_id, platform.secret, platform.open_id(), token]
    tour = await asyncio.create_subprocess_exec(
        sys.executable, str(TOUR), *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(tour.communicate(), PATIENCE)
    understood = json.loads(output)
    log_id = understood.pop("log_id")
    calls = (await platform.control("GET", "calls"))["calls"]
    assert log_id in [call["log_id"] for call in calls]
    assert understood == {
        "codes": [0] * 8,
        "items": [1, 1],
        "sender": platform.app_id,
        "has_more": False,
        "person": "李雷",
        "redirect_urls": [REDIRECT],
        "scopes": 27,
        "me": ["李雷", platform.open_id()],
        "missing": 99992354,
    }


async def test_the_sdks_channel_streams_edits_reacts_and_forwards(platform: Platform) -> None:
    arguments = [str(CHANNEL), platform.url, platform.app_id, platform.secret]
    bot = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(PATIENCE):
            while not (await platform.books())["connections"]:
                assert bot.returncode is None
                await asyncio.sleep(0.1)
        await platform.control("POST", "say", {"person": "lilei", "app_id": platform.app_id, "text": "你好"})
        output, _ = await asyncio.wait_for(bot.communicate(), PATIENCE)
    finally:
        with contextlib.suppress(ProcessLookupError):
            bot.kill()
        await bot.wait()
    understood = json.loads(output[output.index(b"{") :])  # the SDK logs to standard output as well
    assert understood == {
        "heard": "你好",
        "bot": "测试应用",
        "sent": [True] * 4,
        "replied": True,
        "streamed": True,
        "card": True,
        "edited": True,
        "reacted": True,
        "forwarded": 0,
        "recalled": True,
        "chat": True,
    }
    shown = (await platform.control("GET", "messages", person="lilei", app_id=platform.app_id))["messages"]
    assert any("one two three" in message["content"] for message in shown)
    assert (await platform.control("GET", "misses"))["misses"] == []


async def test_the_sdk_trusts_an_encrypted_signed_webhook(platform: Platform) -> None:
    port, secrets = free_port(), {"encrypt_key": "an encrypt key", "verification_token": "a token"}
    app = await asyncio.create_subprocess_exec(
        sys.executable, str(WEBHOOK), str(port), *secrets.values(), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(PATIENCE):
            while not await is_open(port):
                assert app.returncode is None
                await asyncio.sleep(0.1)
        hook = {"mode": "webhook", "webhook_url": f"http://127.0.0.1:{port}/", **secrets}
        await platform.control("PUT", f"apps/{platform.app_id}", hook)
        await platform.control("POST", "say", {"person": "lilei", "app_id": platform.app_id, "text": "hello"})
        assert (await platform.settled(1))["counts"]["failed"] == 0
        sent = await platform.send(json.dumps(CARD_WITH_BUTTON), msg_type="interactive")
        wish = {"person": "lilei", "message_id": sent.json()["data"]["message_id"]}
        assert (await platform.control("POST", "click", wish))["toast"]["content"] == "by webhook"
    finally:
        app.kill()
        await app.wait()


async def is_open(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
