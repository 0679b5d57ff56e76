"""A sandbox on a free port, and hands to steer it."""

import asyncio
import socket
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from sandbox.config import AppConfig, SandboxConfig
from sandbox.server import serve
from sandbox.world import ids

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
    http: httpx.AsyncClient
    app_id: str = APP_ID
    secret: str = SECRET
    _tokens: dict[str, str] = field(default_factory=dict)

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
    ) -> httpx.Response:
        bearer = token or await self.tenant_token()
        headers = {"Authorization": f"Bearer {bearer}"}
        return await self.http.request(method, f"/open-apis/{path}", headers=headers, **options)

    async def send(
        self, content: str, *, msg_type: str = "text", person: str = "lilei", **more: Any
    ) -> httpx.Response:
        body = {"receive_id": self.open_id(person), "msg_type": msg_type, "content": content, **more}
        return await self.api("POST", "im/v1/messages", params={"receive_id_type": "open_id"}, json=body)

    async def books(self, **params: Any) -> Any:
        return await self.control("GET", "books", app_id=self.app_id, **params)

    async def settled(self, count: int, state: str = "acked", *, seconds: float = 10.0) -> Any:
        """The books, once so many events are in a state."""
        async with asyncio.timeout(seconds):
            while True:
                books = await self.books()
                if books["counts"][state] >= count:
                    return books
                await asyncio.sleep(0.02)

    def open_id(self, person: str = "lilei") -> str:
        return ids.open_id(self.app_id, person)


@pytest.fixture
def config() -> SandboxConfig:
    return SandboxConfig(apps=[app_config(), app_config(app_id=OTHER_APP_ID)], rate_limits=False)


@pytest.fixture
async def platform(config: SandboxConfig):
    port = free_port()
    ready, stop = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve("127.0.0.1", port, config=config, ready=ready, stop=stop))
    url = f"http://127.0.0.1:{port}"
    async with asyncio.timeout(10):
        await ready.wait()
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=20) as http:
        yield Platform(url, http)
    stop.set()
    async with asyncio.timeout(10):
        await serving


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
