"""Software of others, unmodified, on the sandbox: the Node SDK, the official MCP server, NoneBot's adapter.

`make foreign` installs it. Without it these tests are skipped, unless REQUIRE_FOREIGN=1 says that it has to be there.
"""

import asyncio
import contextlib
import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.cards import CARD_WITH_BUTTON
from tests.sandbox.conftest import REDIRECT, Platform
from tests.services.ports import free_port
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.processes
HERE = Path(__file__).parent
MODULES = HERE / "node_modules" / "@larksuiteoapi"
MCP = MODULES / "lark-mcp" / "dist" / "cli.js"
NONEBOT = HERE / ".venv" / "bin" / "python"


def need(path: Path) -> None:
    """Skip, or fail where it is required, when something is not installed."""
    if path.exists() and (path == NONEBOT or shutil.which("node")):
        return
    said = f"{path.relative_to(HERE)} is not installed; `make foreign` does it (it needs node and npm)"
    if os.environ.get("REQUIRE_FOREIGN", "") == "1":
        pytest.fail(said)
    pytest.skip(said)


@contextlib.asynccontextmanager
async def program(*command: object, **pipes: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program that runs until the test is over; proxies of the environment are not for the next door."""
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    process = await asyncio.create_subprocess_exec(*map(str, command), cwd=HERE, env=environment, **pipes)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def connected(platform: Platform, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(PATIENCE):
        while not (await platform.books())["connections"]:
            assert process.returncode is None
            await asyncio.sleep(0.1)


async def heard(platform: Platform, *wanted: str) -> list[dict[str, Any]]:
    """The messages in the chat with 李雷, once all these texts are among them."""
    async with asyncio.timeout(PATIENCE):
        while True:
            query = {"person": "lilei", "app_id": platform.app_id}
            messages = (await platform.control("GET", "messages", **query))["messages"]
            texts = [json.loads(message["content"]).get("text") for message in messages]
            if set(wanted) <= set(texts):
                return messages
            await asyncio.sleep(0.1)


async def test_node_sdk_receives_answers_edits_reacts_and_is_clicked(served: Platform) -> None:
    need(MODULES / "node-sdk")
    async with program("node", HERE / "node_bot.mjs", served.url, served.app_id, served.secret) as bot:
        await connected(served, bot)
        await served.control("POST", "say", {"person": "lilei", "app_id": served.app_id, "text": "你好"})
        await heard(served, "edited: 你好")
        counts = (await served.settled(1))["counts"]
        assert (counts["bad_acks"], counts["attempts"] - counts["pushed"]) == (0, 0)
        sent = await served.send(json.dumps(CARD_WITH_BUTTON), msg_type="interactive")
        wish = {"person": "lilei", "message_id": sent.json()["data"]["message_id"], "button": 0}
        clicked = await served.control("POST", "click", wish)
        assert (clicked["code"], clicked["toast"]["content"], clicked["card_updated"]) == (0, "Saved", True)


async def test_node_sdk_understands_every_answer(served: Platform) -> None:
    need(MODULES / "node-sdk")
    page = f"{served.url}/open-apis/authen/v1/authorize?client_id={served.app_id}&redirect_uri={REDIRECT}"
    redirect = (await served.control("POST", "authorize", {"url": page, "person": "lilei"}))["redirect"]
    arguments = [served.url, served.app_id, served.secret, served.open_id(), redirect.rpartition("=")[2]]
    async with program("node", HERE / "node_tour.mjs", *arguments, stdout=asyncio.subprocess.PIPE) as tour:
        output, _ = await asyncio.wait_for(tour.communicate(), PATIENCE)
    understood = json.loads(output.splitlines()[-1])  # the SDK logs to standard output as well
    assert understood.pop("image_key").startswith("img_v3_")
    assert understood == {
        "mine": True,
        "codes": [0] * 9,
        "members": [served.open_id()],
        "found": [served.open_id()],
        "person": "李雷",
    }


async def test_mcp_server_sends_lists_and_creates(served: Platform) -> None:
    need(MCP)
    pipe = asyncio.subprocess.PIPE
    command = ["node", MCP, "mcp", "-a", served.app_id, "-s", served.secret, "-d", served.url]
    async with program(*command, stdin=pipe, stdout=pipe) as server:
        assistant = Assistant(server)
        await assistant.initialize()
        tools = {tool["name"] for tool in (await assistant.ask("tools/list"))["tools"]}
        assert {"im_v1_message_create", "im_v1_chat_list", "contact_v3_user_batchGetId"} <= tools
        body = {"receive_id": served.open_id(), "msg_type": "text", "content": '{"text": "by MCP"}'}
        sent = await assistant.use("im_v1_message_create", params={"receive_id_type": "open_id"}, data=body)
        assert sent["message_id"].startswith("om_")
        made = await assistant.use(
            "im_v1_chat_create", data={"name": "MCP", "user_id_list": [served.open_id()]}
        )
        listed = await assistant.use("im_v1_chat_list", params={})
        assert [chat["chat_id"] for chat in listed["items"]] == [made["chat_id"]]
        found = await assistant.use(
            "contact_v3_user_batchGetId",
            data={"emails": ["lilei@example.test"]},
            params={"user_id_type": "open_id"},
        )
        assert found["user_list"][0]["user_id"] == served.open_id()
    await heard(served, "by MCP")


class Assistant:
    """The client's half of MCP over standard input and output: JSON-RPC, a message a line."""

    def __init__(self, server: asyncio.subprocess.Process) -> None:
        self._server = server
        self._number = 0

    async def initialize(self) -> None:
        client = {"name": "test", "version": "1"}
        await self.ask("initialize", protocolVersion="2024-11-05", capabilities={}, clientInfo=client)
        await self.tell("notifications/initialized")

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        await self._write({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        assert self._server.stdout is not None
        async with asyncio.timeout(PATIENCE):
            async for line in self._server.stdout:
                if line.startswith(b"{") and (answer := json.loads(line)).get("id") == self._number:
                    return answer["result"]
        raise AssertionError("the MCP server has ended")

    async def tell(self, method: str) -> None:
        await self._write({"jsonrpc": "2.0", "method": method})

    async def use(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """What a tool answers, as it comes from the platform."""
        result = await self.ask("tools/call", name=tool, arguments=arguments)
        text = result["content"][0]["text"]
        assert not result.get("isError"), text
        return json.loads(text)

    async def _write(self, message: dict[str, Any]) -> None:
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(message).encode() + b"\n")
        await self._server.stdin.drain()


async def test_nonebot_receives_and_answers(served: Platform) -> None:
    need(NONEBOT)
    arguments = [served.url, served.app_id, served.secret, free_port()]
    async with program(NONEBOT, HERE / "nonebot_bot.py", *arguments) as bot:
        await connected(served, bot)
        await served.control("POST", "say", {"person": "lilei", "app_id": served.app_id, "text": "hello"})
        await heard(served, "re: hello")
        assert (await served.settled(1))["counts"]["bad_acks"] == 0
