"""Heads of requests are bounded under uvicorn, and trailers do not become headers."""

import asyncio
import contextlib

import pytest

from feishu_portal.front import heads
from tests.feishu_portal.front.serving import serving
from tests.services.processes import PATIENCE


async def headers_of(scope, receive, send):
    """Answers with the headers it sees once the body is there."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
    seen = b"\n".join(name + b"=" + value for name, value in scope["headers"])
    await send({"type": "http.response.body", "body": seen})


@pytest.fixture
async def port():
    heads.install()
    async with serving(headers_of) as port:
        yield port


async def answer(port, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        writer.write(request)
        await writer.drain()
    received = b""
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(ConnectionError):
            received = await reader.read()
    writer.close()
    return received


CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"


@pytest.mark.parametrize("name", [b"Cookie", b"Authorization", b"X-Forwarded-Proto"])
async def test_trailer_is_no_header(port, name):
    received = await answer(port, CHUNKED + name + b": smuggled\r\n\r\n")
    assert b" 200 " in received.splitlines()[0]
    assert b"smuggled" not in received


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: abcdefgh\r\n" * 8000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 1_000_000,
    ],
    ids=["path", "value", "many", "unfinished"],
)
async def test_head_beyond_the_limit_is_refused(port, head):
    assert b" 200 " not in await answer(port, head)


async def test_head_that_does_not_come_is_not_waited_for(port, monkeypatch):
    monkeypatch.setattr(heads, "HEAD_SECONDS", 0.05)
    assert await answer(port, b"GET / HTTP/1.1\r\nHost: a\r\n") == b""


async def test_next_request_of_a_connection_has_a_head_of_its_own(port):
    first = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000
    assert b" 200 " in await answer(port, first)
