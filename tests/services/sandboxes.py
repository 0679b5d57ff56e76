"""The sandbox in a thread of the test's own process: as a process of its own it would take a second to start."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from anyio.from_thread import start_blocking_portal

from sandbox.config import SandboxConfig
from sandbox.server import serve
from tests.services.platform import SandboxClient

HOST = "127.0.0.1"


@contextmanager
def running_sandbox(port: int, config: SandboxConfig | None = None) -> Iterator[SandboxClient]:
    """A sandbox that has no apps yet, or those of ``config``, for the length of the block."""
    with start_blocking_portal() as loop:
        ready, stop = loop.call(asyncio.Event), loop.call(asyncio.Event)
        serving = loop.start_task_soon(partial(serve, HOST, port, config=config, ready=ready, stop=stop))
        loop.call(_wait_for, ready)
        client = SandboxClient(f"http://{HOST}:{port}")
        try:
            yield client
        finally:
            client.close()
            loop.call(stop.set)
            serving.result(timeout=20)


async def _wait_for(event: asyncio.Event) -> None:
    async with asyncio.timeout(20):
        await event.wait()
