"""Bodies pass byte for byte, whatever their size and however they are sent; one that is cut off shows as cut off."""

import asyncio
import gzip
import hashlib
import json
import os
import zlib
from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.responses import Response, StreamingResponse

from bots.models import Bot
from feishu_portal.api.proxy import platform_outcome
from feishu_portal.api.proxy.platform_outcome import MAX_PEEKED
from tests.factories import move_bot
from tests.feishu_portal.api.proxy.outcomes import OK, REJECTED, age, uses
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)

KIB, MIB = 1024, 1024 * 1024
SIZES = (0, 1, 200, MAX_PEEKED - 1, MAX_PEEKED, MAX_PEEKED + 1, 65 * KIB, MIB, 20 * MIB)


@pytest.fixture
async def client(portal, proxy) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"authorization": f"Bearer {await proxy.key()}"}
    async with httpx2.AsyncClient(base_url=portal, headers=headers, timeout=60) as opened:
        yield opened


def json_of(size: int) -> bytes:
    """A JSON answer of exactly so many bytes; where they are too few for one, anything."""
    frame = b'{"code":0,"data":"%b"}'
    return frame % (b"x" * (size - len(frame) + 2)) if size >= len(frame) else b"1" * size


def will_send(upstream, body: bytes, *, pieces: int = 0, status: int = 200, **headers: str) -> None:
    """The platform sends ``body`` with its length; or in chunks of so many bytes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), pieces):
            yield body[start : start + pieces]

    async def answer(_request) -> Response:
        if pieces:
            return StreamingResponse(chunks(), status, named)
        return Response(body, status, named)

    upstream.answer = answer


async def raw(client, path: str, method: str = "GET", **options) -> tuple[httpx2.Response, bytes]:
    """The response, and its body as it came over the wire."""
    async with client.stream(method, path, **options) as response:
        return response, b"".join([chunk async for chunk in response.aiter_raw()])


@pytest.mark.parametrize("pieces", [0, 10 * KIB, MAX_PEEKED], ids=["length", "chunks", "long chunks"])
@pytest.mark.parametrize("size", SIZES)
async def test_json_of_any_size_passes(client, proxy, grant, upstream, size, pieces):
    body = json_of(size)
    will_send(upstream, body, pieces=pieces, content_type="application/json; charset=utf-8")
    response, received = await raw(client, proxy.path())
    assert (response.status_code, received == body) == (200, True)
    assert response.headers.get("content-length") == (None if pieces else str(size))
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    [use] = await uses(proxy)
    assert (use.status, use.received_bytes, use.reason) == (200, size, "")


@pytest.mark.parametrize("content_type", ["application/json", "application/octet-stream"])
@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "gzip, br"])
@pytest.mark.parametrize("size", [100, 65 * KIB, MIB])
async def test_compressed_body_is_not_touched(client, proxy, grant, upstream, content_type, encoding, size):
    body = os.urandom(size)  # no valid encoding at all: nobody has to decode it on the way
    will_send(upstream, body, pieces=8 * KIB, content_type=content_type, content_encoding=encoding)
    response, received = await raw(client, proxy.path())
    assert (response.headers["content-encoding"], received == body) == (encoding, True)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_refusal_is_understood_compressed_as_well(
    client, proxy, grant, upstream, database, refresher, encoding
):
    await database.run(age, grant)
    pack = {"gzip": gzip.compress, "deflate": zlib.compress}[encoding]
    left = [pack(json.dumps(REJECTED).encode()), pack(json.dumps(OK).encode())]

    async def answer(_request) -> Response:
        headers = {"content-type": "application/json", "content-encoding": encoding}
        return Response(left.pop(0), headers=headers)

    upstream.answer = answer
    response = await client.get(proxy.path())
    assert (response.json(), response.headers["feishu-portal-replay"]) == (OK, "done")


async def test_compressed_bomb_is_not_unpacked_and_passes(client, proxy, grant, upstream):
    body = gzip.compress(json_of(20 * MIB))
    will_send(upstream, body, content_type="application/json", content_encoding="gzip")
    _response, received = await raw(client, proxy.path())
    assert received == body
    assert (await uses(proxy))[0].code is None


@pytest.mark.parametrize("has_length", [True, False], ids=["length", "chunks"])
@pytest.mark.parametrize("size", [0, 65 * KIB, MIB, 20 * MIB])
async def test_uploads_of_any_size_arrive(client, proxy, grant, upstream, size, has_length):
    body, arrived = os.urandom(size), hashlib.sha256()

    async def swallow(request) -> Response:
        async for chunk in request.stream():
            arrived.update(chunk)
        return Response(b"{}", media_type="application/json")

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, size, 8 * KIB):
            yield body[start : start + 8 * KIB]

    upstream.reads_bodies, upstream.answer = False, swallow
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    content = body if has_length else chunks()
    response = await client.post(proxy.path(), content=content, headers=headers)
    assert response.status_code == 200
    assert arrived.digest() == hashlib.sha256(body).digest()
    [request] = upstream.requests
    assert request.headers["content-encoding"] == "gzip"
    if has_length:
        assert request.headers["content-length"] == str(size)


async def test_form_with_a_file_arrives_byte_for_byte(client, proxy, grant, upstream):
    """As the platform's uploads of files and images are sent."""
    boundary, file = b"a boundary of its own'()+_,-./:=?", os.urandom(100 * KIB)
    part = b'--%b\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n%b\r\n'
    named = '; filename="文件.bin"\r\nContent-Type: application/octet-stream'.encode()
    body = part % (boundary, b"file_type", b"", b"stream") + part % (boundary, b"file", named, file)
    body += b"--%b--\r\n" % boundary
    content_type = f'multipart/form-data; boundary="{boundary.decode()}"'
    path = proxy.path("/open-apis/im/v1/files")
    response = await client.post(path, content=body, headers={"content-type": content_type})
    assert response.json() == OK
    [request] = upstream.requests
    assert request.headers["content-type"] == content_type
    assert upstream.bodies == [body]


async def test_head_says_the_length_of_a_body_that_does_not_come(client, proxy, grant, upstream):
    will_send(upstream, b"", content_type="application/json", content_length="200000", etag='"1"')
    response, received = await raw(client, proxy.path(), "HEAD")
    assert (response.status_code, received) == (200, b"")
    assert (response.headers["content-length"], response.headers["etag"]) == ("200000", '"1"')


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_without_a_body_end(client, proxy, grant, upstream, status):
    will_send(upstream, b"", status=status, content_type="application/json", etag='"1"')
    response, received = await raw(client, proxy.path())
    assert (response.status_code, received, response.headers["etag"]) == (status, b"", '"1"')
    # The connection is still good for the next call.
    will_send(upstream, b"[]", content_type="application/json")
    assert (await client.get(proxy.path())).json() == []


async def test_trickling_json_is_not_held_back(client, proxy, grant, upstream, monkeypatch):
    monkeypatch.setattr(platform_outcome, "PEEK_SECONDS", 0.1)
    go = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b'{"n":1}\n'
        await go.wait()
        yield b'{"n":2}\n'

    async def answer(_request) -> Response:
        return StreamingResponse(body(), media_type="application/json")

    upstream.answer = answer
    async with asyncio.timeout(PATIENCE), client.stream("GET", proxy.path()) as response:
        chunks = response.aiter_raw()
        assert await anext(chunks) == b'{"n":1}\n'
        go.set()
        assert b"".join([chunk async for chunk in chunks]) == b'{"n":2}\n'


async def test_caller_that_leaves_a_trickling_answer_ends_it(client, proxy, grant, upstream, monkeypatch):
    monkeypatch.setattr(platform_outcome, "PEEK_SECONDS", 0.1)
    ended = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        try:
            yield b'{"n":1}\n'
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def answer(_request) -> Response:
        return StreamingResponse(body(), media_type="application/json")

    upstream.answer = answer
    async with client.stream("GET", proxy.path()) as response:
        await anext(response.aiter_raw())
    async with asyncio.timeout(PATIENCE):
        await ended.wait()


@pytest.fixture
async def platform_says(database, upstream):
    """A platform that writes these bytes and closes the connection."""
    servers = []

    async def say(answer: bytes) -> None:
        async def serve(reader, writer) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        servers.append(server)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await database.run(lambda: move_bot(Bot.objects.get(), open_url=url))

    yield say
    for server in servers:
        server.close()
        await server.wait_closed()


JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 200000\r\n\r\n" + json_of(150_000)[:100_000],
        b"Transfer-Encoding: chunked\r\n\r\n186A0\r\n" + json_of(100_000) + b"\r\n",
    ],
    ids=["length", "chunks"],
)
async def test_long_answer_that_is_cut_is_cut_for_the_caller(
    client, proxy, grant, platform_says, framing, caplog
):
    await platform_says(JSON_HEAD + framing)
    with pytest.raises(httpx2.RemoteProtocolError):
        await client.get(proxy.path())
    [use] = await uses(proxy)
    assert (use.status, use.code, use.reason) == (200, None, "cut")
    [record] = [record for record in caplog.records if record.message == "proxy_answer_interrupted"]
    assert record.reason == "cut"


async def test_short_answer_that_is_cut_is_called_so(client, proxy, grant, platform_says):
    await platform_says(JSON_HEAD + b'Content-Length: 100\r\n\r\n{"code":0,')
    response = await client.get(proxy.path())
    problem = response.json()
    assert (response.status_code, problem["code"], problem["reason"]) == (502, "upstream_failed", "cut")
    assert problem["sent"] == "unknown"
    assert "cut off" in problem["detail"]
    assert "cannot be reached" not in response.text
    assert [use.reason for use in await uses(proxy)] == ["cut"]


async def test_answer_that_ends_with_its_connection_is_whole(client, proxy, grant, platform_says):
    body = json_of(100_000)
    await platform_says(JSON_HEAD + b"\r\n" + body)
    response, received = await raw(client, proxy.path())
    assert (response.status_code, received == body) == (200, True)


async def test_length_beside_chunks_counts_for_nothing(client, proxy, grant, platform_says):
    await platform_says(
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"
    )
    _response, received = await raw(client, proxy.path())
    assert received == b"abcde"


async def test_header_values_pass_byte_for_byte(client, proxy, grant, upstream, platform_says):
    name = 'attachment; filename="文件.pdf"'.encode()
    await platform_says(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Request-Id: \xfc\r\nContent-Disposition: "
        + name
        + b"\r\n\r\nok"
    )
    response, _received = await raw(client, proxy.path(), headers=[(b"X-Request-Id", b"\xfc")])
    raw_headers = dict(response.headers.raw)
    assert raw_headers[b"content-disposition"] == name
    assert raw_headers[b"x-request-id"] == b"\xfc"


async def test_controls_in_header_values_are_blanks(client, proxy, grant, platform_says):
    await platform_says(
        b"HTTP/1.1 400 Bad\r\nContent-Length: 2\r\nX-Tt-Logid: a\x01b\x7f\r\nContent-Type: \x02x\r\nLocation: /\x1fy\r\n\r\nok"
    )
    response, received = await raw(client, proxy.path())
    assert (response.status_code, received) == (400, b"ok")
    found = dict(response.headers.raw)
    assert (found[b"x-tt-logid"], found[b"content-type"]) == (b"a b", b"x")
    assert found[b"feishu-portal-location"] == b"/ y"


@pytest.mark.parametrize("status", [b"304 Not Modified", b"204 No Content"])
async def test_length_of_an_answer_without_a_body_is_left_out(client, proxy, grant, platform_says, status):
    await platform_says(b"HTTP/1.1 " + status + b"\r\nContent-Length: 5\r\nETag: x\r\n\r\n")
    response, received = await raw(client, proxy.path())
    assert (str(response.status_code).encode(), received) == (status[:3], b"")
    assert "content-length" not in response.headers
    assert response.headers["etag"] == "x"


async def test_status_that_is_none_is_no_answer(client, proxy, grant, platform_says):
    await platform_says(b"HTTP/1.1 999 What\r\nContent-Length: 2\r\n\r\nok")
    response = await client.get(proxy.path())
    assert (response.status_code, response.json()["reason"]) == (502, "malformed")
