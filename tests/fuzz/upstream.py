"""A server that answers as it is told, byte for byte: the platform of one bot, and the receiver of one subscription."""

import asyncio
import contextlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.fuzz.shots import PATIENCE

TOKEN = b'{"code":0,"msg":"ok","tenant_access_token":"t-fuzz","expire":7140}'
TOKEN_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(TOKEN),
    TOKEN,
)
LENGTH = re.compile(rb"(?i)\ncontent-length: *(\d{1,9})")


class Upstream:
    """``answer`` is for every request but those for the bot's own token, unless ``is_for_tokens``."""

    def __init__(self) -> None:
        self.port = 0
        self.answer = TOKEN_ANSWER
        self.is_for_tokens = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError, asyncio.LimitOverrunError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
                if found := LENGTH.search(head):
                    await reader.readexactly(int(found[1]))
                is_token = b"tenant_access_token" in head.partition(b"\r\n")[0]
                writer.write(TOKEN_ANSWER if is_token and not self.is_for_tokens else self.answer)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()
            await writer.wait_closed()


@contextmanager
def running_upstream() -> Iterator[Upstream]:
    """One that listens, for the length of the block."""
    upstream, ready = Upstream(), threading.Event()
    loop, ended = asyncio.new_event_loop(), asyncio.Event()

    async def run() -> None:
        server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
        upstream.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), name="upstream", daemon=True)
    thread.start()
    ready.wait(PATIENCE)
    try:
        yield upstream
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(PATIENCE)
