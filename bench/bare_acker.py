"""The least that an answer can cost: ``python -m bench.bare_acker URL APP_ID APP_SECRET``.

Reads no event, checks nothing and stores nothing; the answer is the beginning of the frame and ``{"code":200}``. How fast
it is says how fast the sandbox can be.
"""

import asyncio
import struct
import sys
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.protocol import State

ANSWER = b"\x2a\x0b\x0a\x06biz_rt\x12\x010" + b'\x42\x0c{"code":200}'
PAYLOAD = b'{"schema":"2.0"'
TAG_AND_LENGTH = 3  # bytes before a payload of 128 to 16,383 bytes
UNMASKED = b"\0\0\0\0"  # a mask that changes nothing


class BareConnection(ClientConnection):
    """A connection that answers whatever comes once it is open."""

    _unread = b""

    def data_received(self, data: bytes) -> None:
        if self.protocol.state is not State.OPEN:
            super().data_received(data)
            return
        data = self._unread + data
        answers, start = [], 0
        while len(data) - start >= 4:
            # Whole binary messages of 126 to 65,535 bytes: nothing else is sent during a flood.
            size = int.from_bytes(data[start + 2 : start + 4])
            stop = start + 4 + size
            if stop > len(data):
                break
            beginning = data[start + 4 : data.index(PAYLOAD, start) - TAG_AND_LENGTH]
            answers += [
                struct.pack("!BBH", 0x82, 0xFE, len(beginning) + len(ANSWER)),
                UNMASKED,
                beginning,
                ANSWER,
            ]
            start = stop
        self._unread = data[start:]
        if answers:
            self.transport.write(b"".join(answers))


async def acknowledge(url: str, app_id: str, secret: str) -> None:
    """Until the process ends."""
    async with httpx2.AsyncClient() as client:
        found = await client.post(f"{url}/callback/ws/endpoint", json={"AppID": app_id, "AppSecret": secret})
    options: dict[str, Any] = {"compression": None, "ping_interval": None, "proxy": None}
    async with connect(
        found.json()["data"]["URL"], create_connection=BareConnection, **options
    ) as connection:
        await connection.wait_closed()


if __name__ == "__main__":
    asyncio.run(acknowledge(*sys.argv[1:]))
