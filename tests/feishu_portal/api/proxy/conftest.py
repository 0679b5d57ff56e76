"""A platform of a few lines on a real socket, and the portal in front of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from auth_sessions.domain.tokens import broker
from bots.models import Bot
from core.access.actors import SYSTEM
from core.access.api_keys import add_api_client
from core.access.models import ApiClient
from core.access.scopes import Scope as May
from core.database.thread import DatabaseThread
from feishu import relay, transport
from feishu_portal.api.endpoint import Endpoint
from feishu_portal.api.proxy import admission, own_key, platform_outcome
from feishu_portal.api.proxy import server as proxy_server
from feishu_portal.api.proxy.server import ProxyServer
from feishu_portal.runtime.web import EmbeddedServer
from tests.factories import make_bot, make_grant
from tests.feishu_portal.api.conforming import description
from tests.feishu_portal.api.proxy.outcomes import refresh
from tests.feishu_portal.api.proxy.tokens import APP_SECRET, APP_TOKEN, USER_TOKEN
from tests.services.processes import PATIENCE

Answering = Callable[[Request], Awaitable[Response]]


@contextlib.asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """``app`` on a free port of loopback; its address."""
    config = uvicorn.Config(
        app, port=0, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=5
    )
    ready = asyncio.Event()
    server = EmbeddedServer(config, ready)
    task = asyncio.create_task(server.serve())
    await asyncio.wait_for(ready.wait(), PATIENCE)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@dataclass
class Upstream:
    """The platform: answers as the test says, and remembers what it was asked."""

    requests: list[Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    app_tokens: list[str] = field(default_factory=lambda: [APP_TOKEN])
    token_calls: int = 0
    url: str = ""
    reads_bodies: bool = True

    def __post_init__(self) -> None:
        self.will_say({"code": 0, "msg": "success", "data": {}})

    def will_say(self, *bodies: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """These JSON bodies one after the other, the last one for ever."""
        left = list(bodies)

        async def answer(_request: Request) -> Response:
            body = left.pop(0) if len(left) > 1 else left[0]
            code = body.get("code") if isinstance(body, dict) else 0
            return JSONResponse(body, 400 if code and status == 200 else status, headers)

        self.answer: Answering = answer

    @property
    def authorizations(self) -> list[str]:
        return [request.headers["authorization"].removeprefix("Bearer ") for request in self.requests]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.url.path == "/open-apis/auth/v3/tenant_access_token/internal":
            self.token_calls += 1
            token = self.app_tokens.pop(0) if len(self.app_tokens) > 1 else self.app_tokens[0]
            body = {"code": 0, "msg": "ok", "tenant_access_token": token, "expire": 7140}
            await JSONResponse(body)(scope, receive, send)
            return
        self.requests.append(request)
        try:
            if self.reads_bodies:
                self.bodies.append(await request.body())
            response = await self.answer(request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """For a refresh that does not come there is little, for everything else as much as a machine that stands still may take."""
    monkeypatch.setattr("auth_sessions.domain.tokens.refresh_wait.PATIENCE", 0.3)
    for module in (relay, transport):
        monkeypatch.setattr(module, "CONNECT_TIMEOUT", PATIENCE)
    monkeypatch.setattr(transport, "TOTAL_TIMEOUT", PATIENCE)
    monkeypatch.setattr(platform_outcome, "PEEK_SECONDS", PATIENCE)
    monkeypatch.setattr(own_key, "FIRST_BYTE_SECONDS", PATIENCE)
    monkeypatch.setattr(own_key, "BODY_SECONDS", PATIENCE)
    monkeypatch.setattr(proxy_server, "STATEMENT_SECONDS", PATIENCE)


@pytest.fixture(autouse=True)
def no_broker(monkeypatch) -> None:
    monkeypatch.setattr("auth_sessions.notify.notify", lambda *_arguments: None)


@pytest.fixture
async def database() -> AsyncIterator[DatabaseThread]:
    thread = DatabaseThread("test-db")
    yield thread
    await thread.close()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    platform = Upstream()
    async with serving(platform) as url:
        platform.url = url
        yield platform


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint[ProxyServer]]:
    opened = Endpoint(ProxyServer, name="proxy")
    yield opened
    await opened.close()


@pytest.fixture
async def portal(endpoint) -> AsyncIterator[str]:
    """The proxy on a socket of its own, for what streams."""
    async with serving(endpoint) as url:
        yield url


@dataclass
class Proxy:
    """A caller of the proxy."""

    endpoint: Endpoint[ProxyServer]
    database: DatabaseThread
    bot: Bot

    async def key(self, *scopes: May, bots: tuple[Bot, ...] = (), **values: Any) -> str:
        def make() -> str:
            client, key = add_api_client(
                name=f"system {ApiClient.objects.count()}",
                scopes=scopes or (May.PROXY_APP, May.PROXY_USER),
                bots=bots,
                expires_at=values.pop("expires_at", None),
                actor=SYSTEM,
            )
            ApiClient.objects.filter(pk=client.pk).update(**values)
            return key

        return await self.database.run(make)

    def path(self, path: str = "/open-apis/task/v2/tasks", *, user: str = "ou_asked") -> str:
        return f"/proxy/{self.bot.app_id}/{f'users/{user}' if user else 'app'}{path}"

    async def call(
        self, key: str, path: str, *, method: str = "GET", headers: dict[str, str] | None = None, **body: Any
    ) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=self.endpoint)
        async with httpx2.AsyncClient(transport=transport, base_url="http://portal.test") as client:
            sent = {"authorization": f"Bearer {key}", **(headers or {})}
            response = await client.request(method, path, headers=sent, **body)
        description().check(
            method, response.url.path, response.status_code, response.headers, response.content
        )
        return response


@pytest.fixture
async def bot(database, upstream) -> Bot:
    addresses = {"open_url": upstream.url, "accounts_url": upstream.url}
    return await database.run(make_bot, app_secret=APP_SECRET, **addresses)


@pytest.fixture
async def proxy(endpoint, database, bot) -> Proxy:
    return Proxy(endpoint, database, bot)


@pytest.fixture
async def grant(database, bot):
    return await database.run(make_grant, bot, access_token=USER_TOKEN)


@pytest.fixture
def refresher(monkeypatch):
    """Refreshes as soon as it is asked."""
    asked = []
    for module in (admission, broker):
        monkeypatch.setattr(module, "request_refresh", lambda grant: asked.append(grant.pk) or refresh(grant))
    return asked
