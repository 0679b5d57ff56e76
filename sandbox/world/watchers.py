"""Open pages that want to hear what happens, each with a bounded queue."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgspec

_QUEUE = 500
_KEEPALIVE_SECONDS = 15.0
_RELOAD = b'data: {"kind":"reload"}\n\n'


class Watchers:
    """Broadcasts to every page; one that falls behind is told to load everything again."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[bytes | None]] = set()

    def tell(self, kind: str, **data: Any) -> None:
        if not self._queues:
            return
        line = b"data: " + msgspec.json.encode({"kind": kind, **data}) + b"\n\n"
        for queue in self._queues:
            if queue.full():
                _empty(queue)
                queue.put_nowait(_RELOAD)
            else:
                queue.put_nowait(line)

    async def listen(self) -> AsyncGenerator[bytes, None]:
        """Server-sent events until the page leaves or the sandbox stops."""
        with self._queue() as queue:
            yield b": hello\n\n"
            while True:
                line: bytes | None = b": still here\n\n"
                with suppress(TimeoutError):
                    line = await asyncio.wait_for(queue.get(), _KEEPALIVE_SECONDS)
                if line is None:
                    return
                yield line

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        for queue in self._queues:
            _empty(queue)
            queue.put_nowait(None)

    @contextmanager
    def _queue(self) -> Iterator[asyncio.Queue[bytes | None]]:
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(_QUEUE)
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)


def _empty(queue: asyncio.Queue[bytes | None]) -> None:
    while not queue.empty():
        queue.get_nowait()
