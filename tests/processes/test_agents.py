"""The official MCP client, as it is, against a web process and the sandbox."""

import asyncio
import json
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.services.platform import APP_ID
from tests.services.ports import free_port
from tests.services.processes import PATIENCE

# Which database it is makes no difference to these.
pytestmark = [pytest.mark.processes, pytest.mark.only_on("postgres")]

SCOPES = ["offline_access", "auth:user.id:read", "task:task:write"]
USES = "SELECT method, path, status, code FROM auth_sessions_tokenuse ORDER BY id"
ADD = """
import json
from datetime import timedelta
from django.utils import timezone
from auth_sessions.models import UserToken
from bots.models import Bot
from core.access.actors import SYSTEM
from core.access.api_keys import add_api_client
from core.access.scopes import Scope
now, later = timezone.now(), timezone.now() + timedelta(hours=1)
UserToken.objects.create(
    bot=Bot.objects.get(), tenant_key="tenant", access_expires_at=later, refresh_expires_at=later, half_life_at=later,
    next_refresh_at=later, used_at=now, authorized_at=now, reauthorize_by=later, **json.loads('''{grant}''')
)
_client, key = add_api_client(
    name="assistant", scopes=[Scope.PROXY_USER], bots=[Bot.objects.get()], expires_at=None, actor=SYSTEM,
    proxy_paths=["GET /open-apis/**", "POST /open-apis/task/v2/tasks"],
)
with open("{path}", "w") as file:
    file.write(key)
"""


async def work(agent: Client, summary: str) -> None:
    """Does what the key may, and is refused what it may not."""

    async def use(tool: str, **arguments: Any) -> tuple[bool, dict[str, Any]]:
        result = await agent.call_tool(tool, arguments)
        return bool(result.is_error), result.structured_content

    shown = {tool.name for tool in (await agent.list_tools()).tools}
    assert {"list_tasks", "create_task", "discover", "call"} <= shown
    assert not {"complete_task", "send_message", "list_bots"} & shown
    is_error, made = await use(
        "create_task", summary=summary, assignees=[(await use("who_am_i"))[1]["person"]["open_id"]]
    )
    assert not is_error, made
    is_error, listed = await use("list_tasks", completed=False)
    assert made["task"]["guid"] in {task["guid"] for task in listed["items"]}
    is_error, refused = await use(
        "call", method="DELETE", path=f"/open-apis/task/v2/tasks/{made['task']['guid']}"
    )
    assert (is_error, refused["code"]) == (True, "path_not_allowed")


async def work_in_every_mode(address: str, key: str) -> None:
    for mode in ("legacy", "auto"):
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE) as http,
            Client(streamable_http_client(address, http_client=http), mode=mode) as agent,
        ):
            await work(agent, f"写周报（{mode}）")


def test_official_client_works_as_a_person(sandbox, bot, managed_process, environment, rows, tmp_path):
    sandbox.put_app(scopes=SCOPES)
    [grant] = sandbox.grants(1, scopes=SCOPES)
    managed_process.secrets |= {grant["access_token"], grant["refresh_token"]}
    made, port = tmp_path / "key", free_port()
    code = ADD.format(grant=json.dumps({**grant, "scopes": SCOPES}), path=made)
    adding = managed_process("manage.py", "shell", "-c", code, environment=environment)
    assert adding.wait_for_exit() == 0, adding.output
    key = made.read_text()
    managed_process.secrets.add(key)
    web = managed_process(
        "-m", "uvicorn", "feishu_portal.asgi:application", "--port", str(port), environment=environment
    )
    web.wait_for_port(port)

    address = f"http://127.0.0.1:{port}/mcp?bot={APP_ID}&person={grant['open_id']}"
    asyncio.run(work_in_every_mode(address, key))

    def written() -> list[tuple[Any, ...]]:
        uses = rows.all(USES)
        return uses if all(status for _method, _path, status, _code in uses) else []

    found = web.wait_until(written, what="the ends of the calls")
    assert found.count(("POST", "/open-apis/task/v2/tasks", 200, 0)) == 2
    assert found.count(("GET", "/open-apis/task/v2/tasks", 200, 0)) == 2
