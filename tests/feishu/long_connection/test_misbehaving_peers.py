"""Real servers on loopback that do not do what they should. Every step has an end, and after it comes another attempt."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx2
import pytest

from feishu.long_connection import pump as pump_module
from feishu.long_connection.address import new_client
from feishu.long_connection.messages import Message, Reply
from feishu.names import names
from feishu.platforms import Platform
from feishu.reasons import Reason
from tests.feishu.long_connection.fake_gateway import (
    CREDENTIALS,
    PATIENCE,
    QUICK,
    FakeGateway,
    event,
    running,
)

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def peer(serve: Serve) -> AsyncIterator[int]:
    """A TCP server's port; what is still open is cut at the end."""
    writers: list[asyncio.StreamWriter] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await serve(reader, writer)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()


async def speechless(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


def leading_to(gateway: FakeGateway, port: int):
    async def answer(_request: httpx2.Request) -> httpx2.Response:
        return gateway.address(port)

    return answer


async def test_a_platform_that_accepts_and_never_speaks_is_given_up(gateway, diary):
    async with peer(speechless) as port:
        address = f"http://127.0.0.1:{port}"

        async def known():
            return replace(CREDENTIALS, platform=Platform(address, address))

        gateway.client = new_client
        async with running(gateway, diary, credentials=known, timing=replace(QUICK, discovery=0.3)):
            await diary.until("failed", 2)
    assert {error.reason for error, *_ in diary.failures} == {Reason.TIMEOUT}


async def test_a_gateway_that_accepts_and_never_speaks_is_given_up(gateway, diary):
    async with peer(speechless) as port:
        gateway.discover = [leading_to(gateway, port)]
        async with running(gateway, diary, timing=replace(QUICK, dial=0.2)):
            await diary.until("heartbeat")
    # On a busy machine the next attempt may take that long as well.
    assert {error.reason for error, *_ in diary.failures} == {Reason.TIMEOUT}


async def test_a_name_that_takes_for_ever_to_look_up_is_given_up(gateway, diary, monkeypatch):
    real = names.look_up

    async def look_up(host, port):
        if host == "slow.test":
            await asyncio.sleep(3600)
        return await real(host, port)

    monkeypatch.setattr(names, "look_up", look_up)

    async def elsewhere(_request: httpx2.Request) -> httpx2.Response:
        data = {"URL": "ws://slow.test:1/ws", "ClientConfig": {}}
        return httpx2.Response(200, json={"code": 0, "data": data})

    gateway.discover = [elsewhere]
    async with running(gateway, diary, timing=replace(QUICK, dial=0.2)):
        await diary.until("heartbeat")
    assert [error.reason for error, *_ in diary.failures] == [Reason.TIMEOUT]


async def test_a_name_that_does_not_exist_is_called_so(gateway, diary, monkeypatch):
    async def look_up(_host, _port):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def elsewhere(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={"code": 0, "data": {"URL": "ws://nowhere.test:1/ws"}})

    monkeypatch.setattr(names, "look_up", look_up)
    gateway.discover = [elsewhere]
    async with running(gateway, diary):
        await diary.until("failed")
    assert diary.failures[0][0].reason is Reason.DNS


async def test_a_peer_that_goes_silent_after_the_handshake_is_replaced_within_its_time(gateway, diary):
    gateway.answers_pings = False
    # The platform asks for a ping a second; a second of the platform lasts 10 ms here.
    gateway.client_config = {"PingInterval": 1}
    async with running(gateway, diary):
        await gateway.socket(2)
    assert diary.failures[0][0].reason is Reason.SILENT


async def test_a_peer_that_stops_reading_is_replaced(gateway, diary):
    """Answers pile up until the kernel takes no more, and writing blocks."""
    answer = b"x" * 200_000
    gateway.client_config = {"PingInterval": 600}  # the silence would be noticed otherwise

    async def sink(_message: Message) -> Reply:
        return Reply(data=answer)

    async with running(gateway, diary, sink, timing=replace(QUICK, write=0.3)):
        first = await gateway.socket()
        first.transport.pause_reading()
        first.transport.resume_reading = lambda: None
        for number in range(200):
            await first.send(event(f"m{number}"))
        await gateway.socket(2)
    assert "writing took longer" in str(next(e for name, e in diary.entries if name == "disconnected"))


async def test_a_peer_that_never_says_farewell_does_not_hold_up_the_end(gateway, diary):
    async with running(gateway, diary) as task:
        socket = await gateway.socket()
        await diary.until("heartbeat")
        socket.transport.pause_reading()
        socket.transport.resume_reading = lambda: None
        task.cancel()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(task, return_exceptions=True)


async def test_a_bot_whose_platform_hangs_delays_no_other(gateway, diary):
    async def hangs(_request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(3600)
        raise AssertionError

    hanging, other = type(diary)(), diary
    gateway.discover = [hangs]
    async with running(gateway, hanging, timing=replace(QUICK, discovery=3600)):
        await hanging.until("connecting")
        async with running(gateway, other):
            await other.until("heartbeat")
    assert hanging.count("failed") == 0


@pytest.mark.parametrize("where", ["codec", "observer"])
async def test_an_error_of_our_own_ends_in_another_connection_and_a_log_line(
    gateway, diary, caplog, monkeypatch, where
):
    broken = [True]

    def breaks_once(*_arguments, **_options):
        if broken:
            broken.clear()
            raise RuntimeError("broken on purpose")

    if where == "codec":
        real = pump_module.Session.receive
        monkeypatch.setattr(pump_module.Session, "receive", lambda *given: breaks_once() or real(*given))
    else:
        monkeypatch.setattr(diary, "heartbeat", breaks_once)
    async with running(gateway, diary):
        await gateway.socket(2)
    assert "connection_failed" in caplog.text
