"""The official MCP client, as it is, against a web process and the sandbox."""

import asyncio
import json
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from playwright.sync_api import Page, expect

from tests.services.platform import APP_ID
from tests.services.ports import free_port
from tests.services.processes import PATIENCE

# Which database it is makes no difference to these.
pytestmark = [pytest.mark.processes, pytest.mark.browser, pytest.mark.only_on("postgres")]

SCOPES = ["offline_access", "auth:user.id:read", "task:task:write"]
ROUNDS = 10
"""Waits for the result of an approved call, each as long as the endpoint lets anybody wait."""
AUDIT = "SELECT action, actor FROM access_auditentry WHERE action LIKE 'approval.%' ORDER BY id"
SENTENCES = ("请求批准“{call}”", "批准了一次“{call}”", "执行了已批准的“{call}”")
USES = "SELECT method, path, status, code FROM auth_sessions_tokenuse ORDER BY id"
PASSWORD = "a password of the tests"
ADD = """
import json
from datetime import timedelta
from django.utils import timezone
from auth_sessions.models import UserToken
from bots.models import Bot
from core.access.actors import SYSTEM
from core.access.api_keys import add_api_client
from core.access.models import User
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
User.objects.create_superuser("lin", "lin@example.com", "{password}")
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


async def complete_a_task(address: str, key: str, asked: "Future[str]") -> None:
    """Lists the person's tasks, is not let through with a write, and does it once the person approves. ``asked`` gets the
    task's id when they are."""
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE) as http,
        Client(streamable_http_client(address, http_client=http)) as agent,
    ):

        async def use(tool: str, **arguments: Any) -> dict[str, Any]:
            return (await agent.call_tool(tool, arguments)).structured_content

        [task, *_others] = (await use("list_tasks", completed=False))["items"]
        pending = await use("complete_task", task_guid=task["guid"])
        assert pending["code"] == "approval_pending", pending
        assert (await use("get_approval", approval=pending["approval"], wait=0))["state"] == "asked"
        assert (await use("list_tasks", completed=True))["items"] == []
        asked.set_result(task["guid"])
        for _ in range(ROUNDS):
            approval = await use("get_approval", approval=pending["approval"])
            if approval["state"] == "done":
                break
        assert approval["answer"]["body"]["data"]["task"]["guid"] == task["guid"], approval
        done = await use("list_tasks", completed=True)
        assert [one["guid"] for one in done["items"]] == [task["guid"]]


def approve_on_the_card(page: Page, sandbox_url: str, person: str, guid: str) -> None:
    """What the person does in the chat with the bot."""
    page.goto(f"{sandbox_url}/")
    page.get_by_test_id(f"person-{person}").click()
    page.get_by_test_id(f"bot-{APP_ID}").click()
    card = page.get_by_test_id("card").last
    expect(card).to_contain_text("请你批准：修改任务")
    expect(card).to_contain_text(f"PATCH /open-apis/task/v2/tasks/{guid}")
    card.get_by_test_id("card-button").filter(has_text="批准一次").dblclick()
    expect(card).to_have_attribute("data-template", "green")
    expect(card).to_contain_text("这次调用已执行一次")
    expect(card.get_by_test_id("card-button")).to_have_count(0)


def read_the_audit_log(page: Page, portal: str, guid: str) -> None:
    """What an operator reads of it afterwards."""
    page.goto(f"{portal}/admin/login/?next=/admin/access/auditentry/")
    page.fill("#id_username", "lin")
    page.fill("#id_password", PASSWORD)
    page.press("#id_password", "Enter")
    log = page.locator("#result_list")
    call = f"PATCH /open-apis/task/v2/tasks/{guid}"
    for words in SENTENCES:
        expect(log.get_by_text(words.format(call=call))).to_have_count(1)


def test_official_client_works_as_a_person(
    sandbox, bot, managed_process, runfeishu, environment, rows, tmp_path, browser
):
    sandbox.put_app(scopes=[*SCOPES, "im:message"])
    [grant] = sandbox.grants(1, scopes=SCOPES)
    managed_process.secrets |= {grant["access_token"], grant["refresh_token"]}
    made, port = tmp_path / "key", free_port()
    code = ADD.format(grant=json.dumps({**grant, "scopes": SCOPES}), path=made, password=PASSWORD)
    adding = managed_process("manage.py", "shell", "-c", code, environment=environment)
    assert adding.wait_for_exit() == 0, adding.output
    key = made.read_text()
    managed_process.secrets.add(key)
    web = managed_process(
        "-m", "uvicorn", "feishu_portal.asgi:application", "--port", str(port), environment=environment
    )
    web.wait_for_port(port)

    address = f"http://127.0.0.1:{port}/mcp?bot={APP_ID}&person={grant['open_id']}"
    # While a browser is open, Playwright's event loop occupies this thread: agents have another.
    threads = ThreadPoolExecutor(1)
    threads.submit(asyncio.run, work_in_every_mode(address, key)).result()

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

    asked: Future[str] = Future()
    context = browser.new_context(locale="zh-CN")
    agent = threads.submit(asyncio.run, complete_a_task(address, key, asked))
    agent.add_done_callback(lambda _done: asked.cancel())
    guid = asked.result(PATIENCE)
    approve_on_the_card(context.new_page(), sandbox.url, person, guid)
    agent.result(PATIENCE)
    assert [method for method, *_rest in rows.all(USES)].count("PATCH") == 1
    assert rows.all(AUDIT) == [
        ("approval.asked", "api:assistant"),
        ("approval.approved", f"user:{grant['open_id']}"),
        ("approval.done", "api:assistant"),
    ]
    read_the_audit_log(context.new_page(), f"http://127.0.0.1:{port}", guid)
    context.close()
    threads.shutdown()
