"""The sandbox inside one of our commands."""

import asyncio
from pathlib import Path

from sandbox.config import SandboxConfig
from sandbox.server import serve

HOST = "127.0.0.1"


async def serve_sandbox(
    *,
    port: int,
    config: SandboxConfig | None,
    file: Path | None = None,
    ready: asyncio.Event | None = None,
    stop: asyncio.Event,
) -> None:
    """Serve the stand-in platform until ``stop`` is set, its world kept in ``file``; raises OSError, naming the port, when it is taken."""
    try:
        await serve(HOST, port, config=config, file=file, ready=ready, stop=stop)
    except OSError as error:
        raise OSError(f"Cannot listen on {HOST}:{port}: {error.strerror}.") from error
