"""Everything in one process: portal and connections as one asyncio function, with the sandbox if asked for."""

import asyncio
from collections.abc import Awaitable, Callable

from django.conf import settings

from bots.enums import ProcessKind
from feishu_portal.runtime.connections import hold_connections
from feishu_portal.runtime.node import node_name
from feishu_portal.runtime.process import process_is_ready, process_is_stopping
from feishu_portal.runtime.sandbox import serve_sandbox
from feishu_portal.runtime.signals import stop_on_signals
from feishu_portal.runtime.web import serve_web
from sandbox.config import SandboxConfig

STOP_SECONDS = 20.0


async def run_portal(
    *,
    host: str,
    port: int,
    sandbox: SandboxConfig | None,
    sandbox_port: int,
    on_ready: Callable[[], Awaitable[None]],
) -> None:
    """Serve until SIGTERM or SIGINT. ``on_ready`` is called when every port is open; raises OSError when one cannot be."""
    stop, web_ready, sandbox_ready = asyncio.Event(), asyncio.Event(), asyncio.Event()
    stop_on_signals(stop, on_stop=lambda: process_is_stopping(ProcessKind.RUNPORTAL))
    parts = [
        serve_web(host=host, port=port, ready=web_ready, stop=stop),
        hold_connections(node=node_name(), stop=stop),
    ]
    if sandbox:
        parts.append(
            serve_sandbox(
                port=sandbox_port,
                config=sandbox,
                file=settings.DATA_DIR / "sandbox.json",
                ready=sandbox_ready,
                stop=stop,
            )
        )
    else:
        sandbox_ready.set()

    async def greet() -> None:
        await web_ready.wait()
        await sandbox_ready.wait()
        process_is_ready(ProcessKind.RUNPORTAL)
        await on_ready()

    tasks = [asyncio.create_task(part) for part in (*parts, greet())]
    try:
        await asyncio.gather(*tasks)
    finally:
        # A part that fails stops the others in order, so that none keeps half a portal alive.
        stop.set()
        tasks[-1].cancel()  # it may be waiting for a port that never opens
        await asyncio.wait(tasks, timeout=STOP_SECONDS)
