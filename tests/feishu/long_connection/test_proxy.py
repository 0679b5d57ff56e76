"""The whole way of a long connection through a proxy: the question for the address, and the WebSocket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from feishu.credentials import AppCredentials
from feishu.platforms import Platform
from feishu.reasons import Reason
from tests.feishu.long_connection.fake_gateway import CREDENTIALS, QUICK, FakeGateway, event, running
from tests.services.proxy import LoopbackProxy

PASSWORD = "p@ss/word"


@asynccontextmanager
async def platform(gateway: FakeGateway) -> AsyncIterator[Platform]:
    """The gateway's discovery over real HTTP."""
    assert gateway._server is not None
    port = gateway._server.sockets[0].getsockname()[1]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = gateway.address(port).content
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield Platform(address, address)
    finally:
        server.close()


def knowing(credentials: AppCredentials):
    async def known() -> AppCredentials:
        return credentials

    return known


async def test_address_and_websocket_go_through_the_proxy_and_nothing_goes_round_it(gateway, diary, caplog):
    with LoopbackProxy(user="ops", password=PASSWORD) as proxy:
        async with platform(gateway) as where:
            url = f"http://ops:p%40ss%2Fword@{proxy.address}"
            credentials = replace(CREDENTIALS, platform=where, proxy=url)
            async with running(gateway, diary, credentials=knowing(credentials)):
                await gateway.push(event())
                assert json.loads((await gateway.ack()).payload) == {"code": 200}
        assert proxy.traffic.forwarded == [where.open_url.removeprefix("http://")]
        assert len(proxy.traffic.tunnels) == 1
    assert PASSWORD not in caplog.text
    assert "p%40ss" not in caplog.text


@pytest.mark.parametrize(
    ("options", "timing", "reason", "fatal"),
    [
        ({"user": "ops", "password": "another"}, QUICK, Reason.PROXY_REFUSED, True),
        ({"mood": "silent"}, replace(QUICK, discovery=0.3), Reason.PROXY_TIMEOUT, False),
    ],
)
async def test_a_proxy_that_does_not_let_through_is_reported_and_tried_again(
    gateway, diary, caplog, options, timing, reason, fatal
):
    with LoopbackProxy(**options) as proxy:
        async with platform(gateway) as where:
            credentials = replace(CREDENTIALS, platform=where, proxy=f"http://ops:hush@{proxy.address}")
            async with running(gateway, diary, credentials=knowing(credentials), timing=timing):
                await diary.until("failed", 2)
    assert {(error.reason, was_fatal) for error, _, was_fatal, _ in diary.failures} == {(reason, fatal)}
    assert gateway.sockets == []
    assert "hush" not in caplog.text


@pytest.mark.parametrize(
    ("mood", "timing", "reason"),
    [
        ("broken", QUICK, Reason.PROXY_FAILED),
        ("gibberish", QUICK, Reason.PROXY_FAILED),
        ("silent", replace(QUICK, dial=0.3), Reason.PROXY_TIMEOUT),
    ],
)
async def test_a_proxy_that_fails_at_the_websocket_is_named(
    gateway, diary, mood, timing, reason, monkeypatch
):
    """The address is asked for directly here: the environment names a proxy for wss and ws alone."""
    with LoopbackProxy(mood=mood) as proxy:
        monkeypatch.setattr(
            "feishu.long_connection.socket.environment_proxy",
            lambda url: proxy.url if url.startswith("ws") else "",
        )
        async with running(gateway, diary, timing=timing):
            await diary.until("failed")
    assert diary.failures[0][0].reason is reason
    assert gateway.sockets == []


async def test_the_environments_proxy_carries_the_websocket_too(gateway, diary, monkeypatch):
    with LoopbackProxy() as proxy:
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.setenv("http_proxy", proxy.url)
        async with running(gateway, diary):
            await diary.until("heartbeat")
        assert len(proxy.traffic.tunnels) == 1


async def test_a_proxy_that_is_not_there_is_named(gateway, diary, unused_tcp_port):
    credentials = replace(CREDENTIALS, proxy=f"http://127.0.0.1:{unused_tcp_port}")
    async with running(gateway, diary, credentials=knowing(credentials)):
        await diary.until("failed")
    assert diary.failures[0][0].reason is Reason.PROXY_UNREACHABLE


async def test_an_address_that_is_no_proxy_calls_for_a_person(gateway, diary):
    credentials = replace(CREDENTIALS, proxy="socks5://ops:hush@127.0.0.1:1080")
    async with running(gateway, diary, credentials=knowing(credentials)):
        await diary.until("failed")
    error, _, fatal, _ = diary.failures[0]
    assert (error.reason, fatal) == (Reason.PROXY_UNUSABLE, True)
    assert "hush" not in str(error)


async def test_a_changed_proxy_is_taken_at_the_next_attempt(gateway, diary, unused_tcp_port):
    given = [replace(CREDENTIALS, proxy=f"http://127.0.0.1:{unused_tcp_port}"), CREDENTIALS]

    async def known() -> AppCredentials:
        return given.pop(0) if len(given) > 1 else given[0]

    async with running(gateway, diary, credentials=known):
        await diary.until("heartbeat")
    assert diary.count("failed") == 1
