"""The official MCP client, as it is, against a web process and the sandbox."""

import asyncio
import json
from collections.abc import Callable
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
ROUNDS = 10
"""Waits for the result of an approved call, each as long as the endpoint lets anybody wait."""
CARD = "SELECT message_id FROM approvals_callapproval WHERE message_id <> ''"
AUDIT = "SELECT action, actor FROM access_auditentry WHERE action LIKE 'approval.%' ORDER BY id"
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
    proxy_paths=["GET /open-apis/**", "POST /open-apis/task/v2/tasks", "ask PATCH /open-apis/task/v2/tasks/*"],
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
    assert not {"send_message", "list_bots"} & shown
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


async def complete_a_task(
    address: str, key: str, until_asked: Callable[[], str], click: Callable[[str], object]
) -> None:
    """Has a write approved by the person, who clicks twice."""
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE) as http,
        Client(streamable_http_client(address, http_client=http)) as agent,
    ):

        async def use(tool: str, **arguments: Any) -> dict[str, Any]:
            return (await agent.call_tool(tool, arguments)).structured_content

        [task, *_others] = (await use("list_tasks", completed=False))["items"]
        pending = await use("complete_task", task_guid=task["guid"])
        assert pending["code"] == "approval_pending", pending
        card = await asyncio.to_thread(until_asked)
        assert (await use("get_approval", approval=pending["approval"], wait=0))["state"] == "asked"
        await asyncio.gather(*(asyncio.to_thread(click, card) for _ in range(2)))
        for _ in range(ROUNDS):
            approval = await use("get_approval", approval=pending["approval"])
            if approval["state"] == "done":
                break
        assert approval["answer"]["body"]["data"]["task"]["guid"] == task["guid"], approval
        done = await use("list_tasks", completed=True)
        assert [one["guid"] for one in done["items"]] == [task["guid"]]


def test_official_client_works_as_a_person(
    sandbox, bot, managed_process, runfeishu, environment, rows, tmp_path
):
    sandbox.put_app(scopes=[*SCOPES, "im:message"])
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

    # --- a call that the person approves: the card comes by a worker, the click by the long connection
    runfeishu()
    celery = ("-m", "celery", "-A", "feishu_portal", "worker", "-Q", "default", "--pool", "threads")
    worker = managed_process(*celery, "--concurrency", "4", environment=environment)
    worker.wait_for("ready")
    [person] = [name for name, open_id in sandbox.people().items() if open_id == grant["open_id"]]

    def until_asked() -> str:
        [(message_id,)] = worker.wait_until(lambda: rows.all(CARD), what="the card")
        return message_id

    def click(message_id: str) -> None:
        body = {"person": person, "message_id": message_id, "name": "once"}
        httpx2.post(f"{sandbox.url}/sandbox/api/click", json=body, timeout=PATIENCE)

    asyncio.run(complete_a_task(address, key, until_asked, click))
    assert [method for method, *_rest in rows.all(USES)].count("PATCH") == 1
    assert rows.all(AUDIT) == [
        ("approval.asked", "api:assistant"),
        ("approval.approved", f"user:{grant['open_id']}"),
        ("approval.done", "api:assistant"),
    ]
