"""The web server inside an asyncio program."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn

KEEP_ALIVE = 75
"""Seconds that an idle connection stays open: longer than the 60 of common proxies, so that not we close the connection on
which a pooled client is just sending its next request."""


def _listen(host: str, port: int) -> socket.socket:
    """A bound socket; uvicorn would end the whole process where it cannot bind."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


class EmbeddedServer(uvicorn.Server):
    """uvicorn without its own signal handlers: the program around it decides when it stops. Sets ``ready`` when it listens."""

    def __init__(self, config: uvicorn.Config, ready: asyncio.Event) -> None:
        super().__init__(config)
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()


async def serve_web(*, host: str, port: int, ready: asyncio.Event, stop: asyncio.Event) -> None:
    """Serve the portal until ``stop`` is set; requests under way get ten seconds to finish. Sets ``ready`` when the port
    is open; raises OSError when it cannot be opened."""
    try:
        listener = _listen(host, port)
    except OSError as error:
        raise OSError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error
    config = uvicorn.Config(
        "feishu_portal.asgi:application",
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        log_level="warning",
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=10,
        timeout_keep_alive=KEEP_ALIVE,
    )
    server = EmbeddedServer(config, ready)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="web")
    stopping = asyncio.create_task(stop.wait(), name="web-stop")
    try:
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        server.should_exit = True
        await serving
        listener.close()
