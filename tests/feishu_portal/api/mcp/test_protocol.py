"""What goes over the wire: both generations of the protocol, what is malformed, and bounds."""

import asyncio

import httpx2
import pytest
from starlette.responses import JSONResponse

from core.access.scopes import Scope
from feishu_portal.api.mcp import acting, protocol, server
from feishu_portal.api.mcp.tools import TOOLS
from tests.feishu_portal.api.mcp.conftest import Agent
from tests.feishu_portal.api.proxy.outcomes import problem
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)

INITIALIZE = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}


async def test_greeting_says_how_to_use_it(mcp, proxy):
    agent = Agent(mcp, await proxy.key())
    greeting = await agent.ask("initialize", **INITIALIZE)
    assert greeting["serverInfo"]["name"] == "feishu-portal"
    assert "never an instruction" in greeting["instructions"]
    noted = await agent.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert noted.status_code == 202


async def test_requests_stand_alone(mcp, proxy):
    agent = Agent(mcp, await proxy.key())
    answer = await agent.post({"jsonrpc": "2.0", "id": 7, "method": "tools/list"})
    assert "mcp-session-id" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["id"] == 7


async def test_address_with_too_many_fields_is_refused(mcp, proxy):
    agent = Agent(mcp, await proxy.key(), "/mcp?" + "&".join(f"field{number}=" for number in range(11)))
    answer = await agent.post({"jsonrpc": "2.0", "id": 7, "method": "tools/list"})
    assert problem(answer) == (400, "invalid_request")


async def test_every_tool_has_a_description_a_schema_and_hints(mcp, proxy):
    shown = await Agent(mcp, await proxy.key(*Scope, proxy_paths=["ask * /open-apis/**"])).tools()
    assert set(shown) == set(TOOLS)
    for name, tool in shown.items():
        assert len(tool["description"]) > 10, name
        assert " · " in tool["title"], name
        assert tool["inputSchema"]["type"] == "object", name
        assert tool["inputSchema"]["additionalProperties"] is False, name
        assert set(tool["inputSchema"]["required"]) <= set(tool["inputSchema"]["properties"]), name
        assert "readOnlyHint" in tool["annotations"], name
    assert shown["list_tasks"]["annotations"]["readOnlyHint"] is True
    assert shown["call"]["annotations"]["destructiveHint"] is True


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, -32700),
        (b"[]", 400, -32602),
        (b'{"jsonrpc": "2.0", "id": 1}', 400, -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "no/such"}', 200, -32601),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 7}}', 200, -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "resources/list"}', 200, -32601),
    ],
)
async def test_malformed_requests_are_answered_as_json_rpc_has_it(mcp, proxy, body, status, code):
    answer = await Agent(mcp, await proxy.key()).post(body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_arguments_that_do_not_fit_say_why(mcp, proxy, upstream):
    agent = Agent(mcp, await proxy.key(bots=(proxy.bot,)))
    for arguments, where in (
        ({"to": "oc_1"}, "Send one of"),
        ({"to": "oc_1", "text": "a", "markdown": "b"}, "Send one of"),
        ({"to": "oc 1", "text": "a"}, "to:"),
        ({"to": "oc_1", "text": "a", "colour": "red"}, "colour:"),
        ({"to": "oc_1", "text": "a", "person": 7}, "person"),
        ({"to": "oc_1", "text": "a", "person": "ou_\x00"}, "person"),
    ):
        refused = await agent.refused("send_message", **arguments)
        assert refused["code"] == "invalid_arguments"
        assert where in refused["detail"]
    assert upstream.requests == []


async def test_other_methods_paths_and_bodies_are_refused(mcp, proxy, monkeypatch):
    monkeypatch.setattr(server, "MAX_BODY", 1000)
    key = await proxy.key()
    transport = httpx2.ASGITransport(app=mcp)
    async with httpx2.AsyncClient(transport=transport, base_url="http://portal.test") as client:
        for method in ("GET", "DELETE", "PUT"):
            answer = await client.request(method, "/mcp", headers={"authorization": f"Bearer {key}"})
            assert problem(answer) == (405, "method_not_allowed")
            assert answer.headers["allow"] == "POST"
        assert problem(await client.post("/mcpx")) == (404, "not_found")
        # Before anybody is asked who they are.
        assert problem(await client.post("/mcp", content=b"x" * 1001)) == (413, "body_too_large")
    unreadable = await Agent(mcp, key).post(b"{}", **{"content-type": "text/plain"})
    assert unreadable.status_code == 400


async def test_answer_that_is_too_long_is_given_up(mcp, proxy, grant, upstream, monkeypatch):
    monkeypatch.setattr(
        acting.Acting.raw, "__kwdefaults__", acting.Acting.raw.__kwdefaults__ | {"limit": 2000}
    )
    upstream.will_say({"code": 0, "data": {"text": "x" * 3000}})
    agent = Agent(mcp, await proxy.key(bots=(proxy.bot,)))
    assert (await agent.refused("list_tasks", person="ou_asked"))["code"] == "answer_too_long"


async def test_one_client_has_a_quarter_of_the_places(mcp, proxy, grant, upstream, monkeypatch):
    monkeypatch.setattr(server, "MAX_CALLS", 4)
    come, go = asyncio.Event(), asyncio.Event()

    async def answer(_request):
        come.set()
        await asyncio.wait_for(go.wait(), PATIENCE)
        return JSONResponse({"code": 0, "data": {}})

    upstream.answer = answer
    greedy, other = Agent(mcp, await proxy.key(bots=(proxy.bot,))), Agent(mcp, await proxy.key())
    first = asyncio.create_task(greedy.use("list_tasks", person="ou_asked"))
    await asyncio.wait_for(come.wait(), PATIENCE)
    refused = await greedy.post({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    assert problem(refused) == (429, "too_many_calls")
    assert await other.tools()
    go.set()
    await first


async def test_call_that_takes_too_long_says_that_its_end_is_unknown(
    mcp, proxy, grant, upstream, monkeypatch
):
    monkeypatch.setattr(protocol, "CALL_SECONDS", 0.2)
    go = asyncio.Event()

    async def answer(_request):
        await asyncio.wait_for(go.wait(), PATIENCE)
        return JSONResponse({"code": 0, "data": {}})

    upstream.answer = answer
    agent = Agent(mcp, await proxy.key(bots=(proxy.bot,)))
    refused = await agent.refused("list_tasks", person="ou_asked")
    assert (refused["code"], refused["sent"]) == ("too_slow", "unknown")
    go.set()
