"""A sandbox on a free port, and hands to steer it."""

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import websockets
from msgspec.structs import replace

from feishu.errors import FrameError
from feishu.frames import DATA, Frame, decode, encode
from sandbox.app import create_app
from sandbox.config import AppConfig, SandboxConfig
from sandbox.server import serve
from sandbox.world import ids
from sandbox.world.world import World
from tests.services.ports import free_port
from tests.services.processes import PATIENCE

APP_ID = "cli_0123456789abcdef"
OTHER_APP_ID = "cli_fedcba9876543210"
SECRET = "top-secret-of-the-app"
REDIRECT = "https://portal.example.test/oauth/callback"


def app_config(**changes: Any) -> AppConfig:
    fields: dict[str, Any] = {"app_id": APP_ID, "app_secret": SECRET, "redirect_urls": [REDIRECT]}
    return AppConfig(**(fields | changes))


@dataclass
class Platform:
    """A running sandbox as its users see it."""

    url: str
    http: httpx2.AsyncClient
    app_id: str = APP_ID
    secret: str = SECRET

    async def control(
        self, method: str, path: str, body: Any = None, *, status: int = 200, **params: Any
    ) -> Any:
        answer = await self.http.request(method, f"/sandbox/api/{path}", json=body, params=params)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def put_app(self, **changes: Any) -> None:
        await self.control("PUT", f"apps/{self.app_id}", changes, verify="false")

    async def discover(self, app_id: str | None = None, secret: str | None = None) -> dict[str, Any]:
        body = {"AppID": app_id or self.app_id, "AppSecret": self.secret if secret is None else secret}
        return (await self.http.post("/callback/ws/endpoint", json=body)).json()

    async def tenant_token(self, app_id: str | None = None) -> str:
        body = {"app_id": app_id or self.app_id, "app_secret": self.secret}
        answer = await self.http.post("/open-apis/auth/v3/tenant_access_token/internal", json=body)
        return answer.json()["tenant_access_token"]

    async def api(
        self, method: str, path: str, *, token: str | None = None, **options: Any
    ) -> httpx2.Response:
        bearer = token or await self.tenant_token()
        headers = {"Authorization": f"Bearer {bearer}"}
        return await self.http.request(method, f"/open-apis/{path}", headers=headers, **options)

    async def send(
        self, content: str, *, msg_type: str = "text", person: str = "lilei", **more: Any
    ) -> httpx2.Response:
        body = {"receive_id": self.open_id(person), "msg_type": msg_type, "content": content, **more}
        return await self.api("POST", "im/v1/messages", params={"receive_id_type": "open_id"}, json=body)

    async def hurry(self) -> None:
        """A deadline for acks that a test can wait for."""
        await self.control("PUT", "settings", {"ack_deadline": 0.3})

    async def books(self, **params: Any) -> Any:
        return await self.control("GET", "books", app_id=self.app_id, **params)

    async def settled(self, count: int, state: str = "acked", *, seconds: float = PATIENCE) -> Any:
        """The books, once so many events are in a state."""
        async with asyncio.timeout(seconds):
            while True:
                books = await self.books()
                if books["counts"][state] >= count:
                    return books
                await asyncio.sleep(0.02)

    def open_id(self, person: str = "lilei") -> str:
        return ids.open_id(self.app_id, person)


class Line:
    """A long connection that acknowledges everything with `code` and `data`, or nothing."""

    def __init__(self, socket: websockets.ClientConnection, *, code: int, data: Any, answer: bool) -> None:
        self.socket = socket
        self.code = code
        self.data = data
        self.answer = answer
        self.frames: list[Frame] = []
        self.strange: list[bytes | str] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            async for message in self.socket:
                try:
                    frame = decode(message if isinstance(message, bytes) else b"?")
                except FrameError:
                    self.strange.append(message)
                    continue
                self.frames.append(frame)
                if frame.method == DATA and self.answer:
                    await self.ack(frame)

    async def ack(self, frame: Frame, **changes: Any) -> None:
        body: dict[str, Any] = {"code": self.code}
        if self.data is not None:
            raw = self.data if isinstance(self.data, bytes) else json.dumps(self.data).encode()
            body["data"] = base64.b64encode(raw).decode()
        headers = (*frame.headers, ("biz_rt", "1"))
        echo = replace(frame, headers=headers, payload=json.dumps(body).encode())
        await self.socket.send(encode(replace(echo, **changes)))

    async def ping(self) -> None:
        await self.socket.send(encode(Frame(service=33554678, headers=(("type", "ping"),))))

    def events(self) -> list[Any]:
        """The payloads of the complete events, in the order they came."""
        return [json.loads(frame.payload) for frame in self.frames if frame.method == DATA]

    async def until(self, condition: Callable[["Line"], bool], seconds: float = PATIENCE) -> None:
        async with asyncio.timeout(seconds):
            while not condition(self):
                await asyncio.sleep(0.01)

    async def close(self) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        self.socket.transport.abort()
        await self.socket.wait_closed()


@pytest.fixture
def config() -> SandboxConfig:
    return SandboxConfig(apps=[app_config(), app_config(app_id=OTHER_APP_ID)], rate_limits=False)


@pytest.fixture
def clock() -> Callable[[], float]:
    """Seconds of the epoch, as the sandbox's world counts them."""
    return time.time


@pytest.fixture
async def platform(config: SandboxConfig, clock: Callable[[], float]):
    """The sandbox, called without a network; modules that need sockets put `served` in its place."""
    app = create_app(world=World(config, clock))
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:9800") as http:
            yield Platform("http://127.0.0.1:9800", http)


@pytest.fixture
async def served(config: SandboxConfig):
    """The sandbox, listening on a free port."""
    port = free_port()
    ready, stop = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve("127.0.0.1", port, config=config, ready=ready, stop=stop))
    url = f"http://127.0.0.1:{port}"
    async with asyncio.timeout(PATIENCE):
        await ready.wait()
    async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=120) as http:
        yield Platform(url, http)
    stop.set()
    async with asyncio.timeout(PATIENCE):
        await serving


@pytest.fixture
async def connect(served: Platform):
    """Opens long connections; all are closed with the test."""
    opened: list[Line] = []

    async def _connect(*, code: int = 200, data: Any = None, answer: bool = True) -> Line:
        url = (await served.discover())["data"]["URL"]
        socket = await websockets.connect(url, proxy=None, compression=None)
        line = Line(socket, code=code, data=data, answer=answer)
        opened.append(line)
        return line

    yield _connect
    for line in opened:
        await line.close()
