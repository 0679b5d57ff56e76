"""Both ways through the proxy on real sockets: nothing is held that need not be, and nobody is left behind."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response, StreamingResponse

from auth_sessions.models import TokenUse
from bots.models import Bot
from feishu_portal.api.proxy import upload
from tests.factories import move_bot
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)

CHUNK = b"x" * 65536
MANY = 800  # chunks: 50 MiB
FEW = 12 * 1024 * 1024  # bytes; what the sockets of three parties in one process may hold


@pytest.fixture
async def client(portal, proxy) -> AsyncIterator[httpx2.AsyncClient]:
    key = await proxy.key()
    headers = {"authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(base_url=portal, headers=headers, timeout=120) as opened:
        yield opened


@pytest.fixture
def peak():
    """How many bytes were held at most since the test began."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    yield lambda: tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()


def download(upstream, chunks: int) -> list[int]:
    """The platform sends so many chunks; how many it got rid of."""
    sent = [0]

    async def body() -> AsyncIterator[bytes]:
        for _ in range(chunks):
            sent[0] += 1
            yield CHUNK

    async def answer(_request) -> Response:
        return StreamingResponse(body(), media_type="application/octet-stream")

    upstream.answer = answer
    return sent


async def test_download_takes_no_memory(client, proxy, grant, upstream, peak):
    download(upstream, MANY)
    received = 0
    async with client.stream("GET", proxy.path()) as response:
        async for chunk in response.aiter_raw():
            received += len(chunk)
    assert received == MANY * len(CHUNK)
    assert peak() < FEW


async def test_upload_takes_no_memory(client, proxy, grant, upstream, peak):
    received = [0]

    async def swallow(request) -> Response:
        async for chunk in request.stream():
            received[0] += len(chunk)
        return JSONResponse({"code": 0})

    async def body() -> AsyncIterator[bytes]:
        for _ in range(MANY):
            yield CHUNK

    upstream.reads_bodies = False
    upstream.answer = swallow
    response = await client.post(proxy.path(), content=body())
    assert response.status_code == 200
    assert received == [MANY * len(CHUNK)]
    assert peak() < FEW


async def test_platform_waits_for_a_caller_that_does_not_read(client, proxy, grant, upstream):
    sent = download(upstream, MANY)
    async with client.stream("GET", proxy.path()) as response:
        seen = -1
        async with asyncio.timeout(PATIENCE):
            while seen != sent[0]:  # until nothing moves any more
                seen = sent[0]
                await asyncio.sleep(0.5)
        assert response.status_code == 200
        assert sent[0] < MANY


async def test_first_bytes_do_not_wait_for_the_last(client, proxy, grant, upstream):
    go = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        await go.wait()
        yield b"data: 2\n\n"

    async def answer(_request) -> Response:
        return StreamingResponse(body(), media_type="text/event-stream")

    upstream.answer = answer
    async with asyncio.timeout(PATIENCE), client.stream("GET", proxy.path()) as response:
        chunks = response.aiter_raw()
        assert await anext(chunks) == b"data: 1\n\n"
        go.set()
        assert await anext(chunks) == b"data: 2\n\n"


async def test_caller_that_leaves_in_the_middle_ends_the_download(client, proxy, grant, upstream):
    ended = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        try:
            while True:
                yield CHUNK
                await asyncio.sleep(0)
        finally:
            ended.set()

    async def answer(_request) -> Response:
        return StreamingResponse(body(), media_type="application/octet-stream")

    upstream.answer = answer
    async with client.stream("GET", proxy.path()) as response:
        await anext(response.aiter_raw())
    async with asyncio.timeout(PATIENCE):
        await ended.wait()


async def test_caller_that_leaves_before_the_answer_ends_the_call(client, proxy, grant, upstream):
    asked, left = asyncio.Event(), asyncio.Event()

    async def never(request) -> Response:
        asked.set()
        while (await request.receive())["type"] != "http.disconnect":
            pass
        left.set()
        raise ClientDisconnect

    upstream.answer = never
    call = asyncio.create_task(client.get(proxy.path()))
    async with asyncio.timeout(PATIENCE):
        await asked.wait()
        call.cancel()
        await left.wait()
        while not await proxy.database.run(TokenUse.objects.filter(seconds__isnull=False).exists):
            await asyncio.sleep(0.05)


async def test_answer_that_breaks_off_breaks_off_for_the_caller_too(client, proxy, grant, upstream):
    class Half(Response):
        async def __call__(self, scope, receive, send):
            headers = [(b"content-type", b"application/octet-stream"), (b"content-length", b"100")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})

    async def answer(_request) -> Response:
        return Half()

    upstream.answer = answer
    with pytest.raises(httpx2.RemoteProtocolError):
        await client.get(proxy.path())


async def test_connection_cut_before_the_answer_may_have_done_it(client, proxy, grant, database):
    async def cut(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(cut, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await database.run(lambda: move_bot(Bot.objects.get(), open_url=url))
        response = await client.post(proxy.path(), json={"summary": "once"})
    assert (response.status_code, response.json()["code"]) == (502, "upstream_failed")
    assert response.json()["sent"] == "unknown"


async def test_short_body_of_unknown_length_is_sent_with_its_length(client, proxy, grant, upstream):
    async def body() -> AsyncIterator[bytes]:
        yield b'{"a":'
        yield b"1}"

    assert (await client.post(proxy.path(), content=body())).status_code == 200
    assert upstream.requests[0].headers["content-length"] == "7"
    assert upstream.bodies == [b'{"a":1}']


async def test_long_body_of_unknown_length_is_sent_in_chunks(client, proxy, grant, upstream, monkeypatch):
    monkeypatch.setattr(upload, "KEPT", 4)

    async def body() -> AsyncIterator[bytes]:
        yield b"abcdef"
        async with asyncio.timeout(PATIENCE):
            while not upstream.requests:
                await asyncio.sleep(0.01)
        yield b"ghi"

    assert (await client.post(proxy.path(), content=body())).status_code == 200
    assert upstream.requests[0].headers["transfer-encoding"] == "chunked"
    assert upstream.bodies == [b"abcdefghi"]


async def test_caller_that_stops_sending_is_not_waited_for(portal, client, proxy, grant, monkeypatch):
    monkeypatch.setattr(upload, "IDLE_SECONDS", 0.2)
    address = httpx2.URL(portal)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    head = [f"POST {proxy.path()} HTTP/1.1", "Host: portal.test", "Content-Length: 10"]
    head.append(f"Authorization: {client.headers['authorization']}")
    writer.write("\r\n".join([*head, "", "abc"]).encode())
    async with asyncio.timeout(PATIENCE):
        assert b"408" in await reader.readline()
    writer.close()
