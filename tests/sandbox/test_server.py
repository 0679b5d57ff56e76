"""Running inside another program."""

import asyncio
import json
import logging
import signal
from pathlib import Path

import httpx2
import pytest
import websockets

from sandbox.config import SandboxConfig
from sandbox.server import serve
from tests.sandbox.conftest import Platform
from tests.services.ports import free_port
from tests.services.processes import PATIENCE


async def test_embedded_server_leaves_signal_handlers_alone(config: SandboxConfig) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    ready, stop = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve("127.0.0.1", free_port(), config=config, ready=ready, stop=stop))
    await asyncio.wait_for(ready.wait(), PATIENCE)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    stop.set()
    await asyncio.wait_for(serving, PATIENCE)


async def test_taken_port_is_an_error_and_no_exit(served: Platform) -> None:
    port = httpx2.URL(served.url).port
    assert port is not None
    with pytest.raises(OSError, match="in use"):
        await serve("127.0.0.1", port, stop=asyncio.Event())


async def test_stop_ends_open_pages_and_connections(config: SandboxConfig) -> None:
    port, ready, stop = free_port(), asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve("127.0.0.1", port, config=config, ready=ready, stop=stop))
    await asyncio.wait_for(ready.wait(), PATIENCE)
    platform_url = f"http://127.0.0.1:{port}"
    async with httpx2.AsyncClient(base_url=platform_url, trust_env=False, timeout=120) as http:
        app = config.apps[0]
        body = {"AppID": app.app_id, "AppSecret": app.app_secret}
        url = (await http.post("/callback/ws/endpoint", json=body)).json()["data"]["URL"]
        line = await websockets.connect(url, proxy=None)
        async with http.stream("GET", "/sandbox/events") as page:
            lines = page.aiter_lines()
            assert await anext(lines) == ": hello"
            stop.set()
            async with asyncio.timeout(PATIENCE):
                assert [line async for line in lines] == [""]
                await line.wait_closed()
                await serving


async def test_file_brings_the_world_to_the_next_server(config: SandboxConfig, tmp_path: Path) -> None:
    file, groups = tmp_path / "sandbox.json", []
    for _ in range(2):
        port, ready, stop = free_port(), asyncio.Event(), asyncio.Event()
        serving = asyncio.create_task(
            serve("127.0.0.1", port, config=config, file=file, ready=ready, stop=stop)
        )
        await asyncio.wait_for(ready.wait(), PATIENCE)
        async with httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=120
        ) as http:
            await http.post("/sandbox/api/groups", json={"name": "g", "people": ["lilei"], "apps": []})
            groups.append((await http.get("/sandbox/api/groups")).json()["groups"])
        stop.set()
        await asyncio.wait_for(serving, PATIENCE)
    first, second = groups
    assert (len(first), second[:1]) == (1, first)


async def test_page_hears_of_messages_calls_and_connections(served: Platform, connect) -> None:
    kinds = set()
    async with served.http.stream("GET", "/sandbox/events") as page:
        await served.tenant_token()
        await served.control("POST", "say", {"person": "lilei", "app_id": served.app_id, "text": "hi"})
        await connect()
        async with asyncio.timeout(PATIENCE):
            async for line in page.aiter_lines():
                if line.startswith("data: "):
                    kinds.add(json.loads(line[6:])["kind"])
                if kinds >= {"call", "message", "connection"}:
                    break
    assert kinds == {"call", "message", "connection"}


async def test_no_ticket_reaches_the_log(served: Platform, connect, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await connect()
        await served.tenant_token()
    ours = [record for record in caplog.records if record.name.startswith(("uvicorn", "sandbox"))]
    assert [record for record in ours if "ticket=" in record.getMessage()] == []
    assert [record for record in ours if served.secret in record.getMessage()] == []
