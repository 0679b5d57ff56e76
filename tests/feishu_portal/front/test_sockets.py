"""Sockets are bounded under uvicorn: in the length of a message, and in what a socket keeps."""

import asyncio

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from feishu_portal.front import sockets
from tests.feishu_portal.front.serving import serving
from tests.services.processes import PATIENCE


async def lengths(_scope, receive, send):
    """Answers each message with its length."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": str(len(message["text"]))})


@pytest.fixture
async def address():
    sockets.install()
    async with serving(lengths) as port:
        yield f"ws://127.0.0.1:{port}/"


async def test_long_message_closes_the_socket(address):
    async with asyncio.timeout(PATIENCE), connect(address, proxy=None) as socket:
        await socket.send("x" * 100_000)
        assert await socket.recv() == "100000"
        await socket.send("x" * (sockets.MAX_MESSAGE + 1))
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 1009


async def test_nothing_is_compressed(address):
    async with asyncio.timeout(PATIENCE), connect(address, proxy=None, compression="deflate") as socket:
        assert socket.protocol.extensions == []
