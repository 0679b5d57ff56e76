"""A connection test: what an agent with a key would be answered, asked in this process."""

import json
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, Final, NoReturn
from urllib.parse import urlencode

from starlette.types import Receive, Scope, Send

from feishu_portal.api.endpoint import Endpoint
from feishu_portal.api.mcp.inner import ask
from feishu_portal.api.mcp.server import PREFIX, McpServer

MAX_ANSWER: Final = 1024 * 1024
_INITIALIZE: Final = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "feishu-portal-console", "version": "1"},
}


@dataclass(frozen=True, slots=True)
class ConnectionTest:
    """``refusal`` is the code of a problem, empty where the key is good; ``server`` how the endpoint greeted; ``tools`` what the
    key is shown."""

    refusal: str = ""
    server: str = ""
    tools: list[str] = field(default_factory=list)


async def try_connection(*, key: str, bot: str, person: str, host: str) -> ConnectionTest:
    """Initialize and list the tools, as an agent does; nothing is called. ``host``: by which the portal was asked."""
    endpoint = Endpoint(partial(McpServer, proxy=_not_asked, rest=_not_asked), name="mcp")
    origin = {"asgi": {"version": "3.0"}, "headers": [(b"host", host.encode("latin-1", errors="replace"))]}
    query = urlencode({name: value for name, value in (("bot", bot), ("person", person)) if value})
    headers = {
        "authorization": f"Bearer {key}",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
    }

    async def said(method: str, **params: Any) -> tuple[int, dict[str, Any]]:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        answer = await ask(
            endpoint, origin, "POST", PREFIX, headers=headers, query=query, body=body, limit=MAX_ANSWER
        )
        return answer.status, json.loads(answer.body)

    try:
        status, greeting = await said("initialize", **_INITIALIZE)
        if status != HTTPStatus.OK:
            return ConnectionTest(refusal=str(greeting.get("code", "")) or "internal_error")
        _status, listed = await said("tools/list")
    finally:
        await endpoint.close()
    info = greeting["result"]["serverInfo"]
    return ConnectionTest(
        server=f"{info['name']} {info['version']}", tools=[tool["name"] for tool in listed["result"]["tools"]]
    )


async def _not_asked(_scope: Scope, _receive: Receive, _send: Send) -> NoReturn:
    """Listing tools calls nothing."""
    raise NotImplementedError
