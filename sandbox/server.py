"""Runs the sandbox: alone, or inside a program that has an event loop already."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Generator
from pathlib import Path

import uvicorn

from sandbox.app import create_app
from sandbox.config import SandboxConfig
from sandbox.keeper import Keeper
from sandbox.wire import HttpProtocol, WebSocketProtocol
from sandbox.world.world import World

_GRACE_SECONDS = 2
_BACKLOG = 2048
_TICK_SECONDS = 1.0

logger = logging.getLogger("sandbox")


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever runs the loop, and stops when told."""

    def __init__(self, config: uvicorn.Config, world: World, stop: asyncio.Event) -> None:
        super().__init__(config)
        self._world = world
        self._stop = stop

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def main_loop(self) -> None:
        while not self._stop.is_set():
            await self.on_tick(0)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), _TICK_SECONDS)
        # Pages that listen would keep the server from stopping.
        self._world.watchers.close()


def run(host: str = "127.0.0.1", port: int = 9800, *, config: SandboxConfig | None = None) -> None:
    """Serve until SIGINT or SIGTERM."""
    asyncio.run(_run(host, port, config))


async def serve(
    host: str = "127.0.0.1",
    port: int = 9800,
    *,
    config: SandboxConfig | None = None,
    file: Path | None = None,
    ready: asyncio.Event | None = None,
    stop: asyncio.Event,
) -> None:
    """Serve until `stop` is set; `ready` is set once connections are taken. Touches no signal handler.

    `file` keeps the world from one run to the next; without one it lives in memory. Raises OSError when the port is taken.
    """
    world = World(config or SandboxConfig())
    server = _Server(
        uvicorn.Config(
            create_app(world=world),
            host=host,
            port=port,
            http=HttpProtocol,
            ws=WebSocketProtocol,
            ws_per_message_deflate=False,
            # Whether the other end is alive is for the other end's own pings to find out.
            ws_ping_interval=None,
            ws_max_size=16 * 1024 * 1024,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        ),
        world,
        stop,
    )
    listener = _listen(host, port)
    keeper = Keeper(world, file) if file is not None else None
    keeping = None
    if keeper is not None:
        keeper.load()
        keeping = asyncio.create_task(keeper.run())
    logger.info("sandbox_started", extra={"host": host, "port": listener.getsockname()[1]})
    if ready is not None:
        # The socket takes connections already; they wait the moment until the server accepts them.
        ready.set()
    try:
        await server.serve(sockets=[listener])
    finally:
        listener.close()
        if keeper is not None and keeping is not None:
            keeper.stop()
            await keeping


def _listen(host: str, port: int) -> socket.socket:
    """Bound here and not by uvicorn, which ends the whole process when it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio turns off Nagle's algorithm, which would hold every answer for 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


async def _run(host: str, port: int, config: SandboxConfig | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await serve(host, port, config=config, stop=stop)
