"""An agent that asks the endpoint, in this process, behind the platform of the proxy's tests."""

import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx2
import pytest
from django.core.asgi import get_asgi_application

from feishu_portal.api.endpoint import Endpoint
from feishu_portal.api.mcp.server import McpServer
from tests.feishu_portal.api.proxy.conftest import (  # noqa: F401 -- fixtures
    Proxy,
    bot,
    database,
    endpoint,
    grant,
    no_broker,
    patience,
    proxy,
    refresher,
    upstream,
)

_numbers = itertools.count(1)


@dataclass
class Agent:
    """Speaks JSON-RPC; ``address`` may fix bot and person."""

    endpoint: Endpoint[McpServer]
    key: str
    address: str = "/mcp"

    async def post(self, body: Any, **headers: str) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=self.endpoint)
        sent = {
            "authorization": f"Bearer {self.key}",
            "accept": "application/json, text/event-stream",
            "content-type": "application/json",
        } | headers
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with httpx2.AsyncClient(transport=transport, base_url="http://portal.test") as client:
            return await client.post(self.address, content=content, headers=sent)

    async def ask(self, method: str, **params: Any) -> Any:
        """The result, or the error, of a request that was understood."""
        answer = await self.post({"jsonrpc": "2.0", "id": next(_numbers), "method": method, "params": params})
        said = answer.json()
        return said.get("result") or said.get("error") or said

    async def tools(self) -> dict[str, Any]:
        return {tool["name"]: tool for tool in (await self.ask("tools/list"))["tools"]}

    async def use(self, tool: str, **arguments: Any) -> Any:
        """What the tool found."""
        result = await self.ask("tools/call", name=tool, arguments=arguments)
        assert not result.get("isError"), result
        assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
        return result["structuredContent"]

    async def refused(self, tool: str, **arguments: Any) -> Any:
        """Why the tool did nothing."""
        result = await self.ask("tools/call", name=tool, arguments=arguments)
        assert result["isError"], result
        return result["structuredContent"]


@pytest.fixture
async def mcp(endpoint) -> AsyncIterator[Endpoint[McpServer]]:  # noqa: F811 -- the proxy's
    opened = Endpoint(partial(McpServer, proxy=endpoint, rest=get_asgi_application()), name="mcp")
    yield opened
    await opened.close()
