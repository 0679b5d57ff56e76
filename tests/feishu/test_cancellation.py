"""HTTP calls cancelled at every step of theirs: no connection is lost, no place in the pool stays taken."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Callable

import httpx2
import pytest

from feishu.cancellation import CancellableTransport
from feishu.outgoing import DIRECT, AsyncOutgoingTransport
from feishu.tls import trusted

STEPS = 60
"""More turns of the loop than a call to the next port takes."""

MakeTransport = Callable[[], httpx2.AsyncBaseTransport]
TRANSPORTS = {
    "any": lambda: CancellableTransport(httpx2.AsyncHTTPTransport(trust_env=False)),
    "outgoing": lambda: AsyncOutgoingTransport(DIRECT, verify=trusted(), limits=httpx2.Limits()),
}


class Server:
    """Answers every POST with two bytes; all connections can be cut at once."""

    def __init__(self) -> None:
        self.url = ""
        self._writers: list[asyncio.StreamWriter] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                await reader.readuntil(b"\r\n\r\nabc")
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)
        self._writers.clear()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    serving = Server()
    listening = await asyncio.start_server(serving.answer, "127.0.0.1", 0)
    serving.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    yield serving
    listening.close()
    await serving.cut()


async def cancelled_after(steps: int, call: Callable[[], object]) -> None:
    task = asyncio.ensure_future(call())
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, httpx2.TransportError):
        await task


@pytest.fixture(params=TRANSPORTS)
def make_transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> MakeTransport:
    for name in ("http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return TRANSPORTS[request.param]


def client_of(transport: httpx2.AsyncBaseTransport) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=transport, trust_env=False, timeout=120)


@pytest.mark.parametrize("keeps_alive", [True, False])
async def test_call_cancelled_at_any_step_keeps_no_place_in_the_pool(
    make_transport: MakeTransport, server: Server, *, keeps_alive: bool
) -> None:
    headers = {} if keeps_alive else {"Connection": "close"}
    transport = make_transport()
    async with client_of(transport) as client:
        for steps in range(STEPS):
            await cancelled_after(steps, lambda: client.post(server.url, content=b"abc", headers=headers))
        pool = pool_of(transport)
        assert [connection.info() for connection in pool.connections if not connection.is_idle()] == []
        assert pool._requests == []
        assert (await client.post(server.url, content=b"abc")).content == b"{}"


async def test_connections_that_the_server_has_cut_are_all_closed_by_a_cancelled_call(
    make_transport: MakeTransport, server: Server
) -> None:
    async with client_of(make_transport()) as client:
        for steps in range(12):
            await asyncio.gather(*(client.post(server.url, content=b"abc") for _ in range(10)))
            await server.cut()
            await cancelled_after(steps, lambda: client.post(server.url, content=b"abc"))
    gc.collect()  # a socket that was left to it fails the test


async def test_body_cancelled_at_any_step_gives_its_connection_back(
    make_transport: MakeTransport, server: Server
) -> None:
    transport = make_transport()

    async def read(client: httpx2.AsyncClient) -> None:
        async with client.stream("POST", server.url, content=b"abc") as response:
            await response.aread()

    async with client_of(transport) as client:
        for steps in range(STEPS):
            await cancelled_after(steps, lambda: read(client))
        assert all(connection.is_idle() for connection in pool_of(transport).connections)
        assert pool_of(transport)._requests == []


async def test_cancelled_task_is_cancelled(make_transport: MakeTransport, server: Server) -> None:
    async with client_of(make_transport()) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await client.get(server.url)  # its end is never found


def pool_of(transport: httpx2.AsyncBaseTransport):
    if isinstance(transport, AsyncOutgoingTransport):
        (inner,) = transport._pools.all()
    else:
        inner = transport._transport
    return inner._pool
