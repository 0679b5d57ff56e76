"""Agents that people connect: the official client with its own OAuth, and what such an agent may and may not do."""

import asyncio
from contextlib import AsyncExitStack
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from asgiref.sync import sync_to_async
from django.core.asgi import get_asgi_application
from django.test import Client as Browser
from mcp import Client
from mcp.client.auth import OAuthClientProvider, TokenStorage
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthMetadata,
    OAuthToken,
    ProtectedResourceMetadata,
)
from pydantic import AnyUrl
from starlette.responses import JSONResponse

from auth_sessions.domain import person_sign_in
from auth_sessions.domain.agents.access import RESOURCE_PATH
from auth_sessions.domain.agents.connected import end
from auth_sessions.enums import AgentEnd
from auth_sessions.models import AgentAccess, AgentToken, ConnectedAgent
from core.access.actors import SYSTEM
from core.access.models import ApiClient
from core.access.scopes import Scope
from feishu_portal.api.mcp import server
from feishu_portal.api.mcp.server import PREFIX
from feishu_portal.api.proxy.admission_rows import FreshRows
from feishu_portal.approvals.models import CallApproval
from tests.auth_sessions.agents import PUBLIC_URL, REDIRECT, PlainAgent, Platform, open_access, person
from tests.factories import make_bot
from tests.feishu_portal.api.mcp.conftest import Agent
from tests.feishu_portal.api.proxy.outcomes import problem, uses
from tests.feishu_portal.api.proxy.tokens import USER_TOKEN
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)

LIST_TOOLS = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.fixture
async def access(database, bot, settings, monkeypatch) -> AgentAccess:
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = PUBLIC_URL, ["testserver", "portal.test"]
    monkeypatch.setattr(person_sign_in, "OAuth", lambda _credentials: Platform())
    return await database.run(open_access, bot, proxy_paths=["GET /open-apis/**"])


@pytest.fixture
async def agent(mcp, database, access, bot) -> Agent:
    tokens = await database.run(PlainAgent(bot).connect)
    return Agent(mcp, tokens["access_token"])


class Kept(TokenStorage):
    """What the client remembers."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


class Desk:
    """The official client, unmodified, and its person's browser beside it."""

    def __init__(self, mcp, bot) -> None:
        self.kept = Kept()
        self.links: list[str] = []
        self._mcp, self._bot, self._django = mcp, bot, get_asgi_application()

    async def __call__(self, scope, receive, send) -> None:
        await (self._mcp if scope["path"] == "/mcp" else self._django)(scope, receive, send)

    async def open(self, stack: AsyncExitStack) -> Client:
        provider = OAuthClientProvider(
            f"{PUBLIC_URL}/mcp",
            OAuthClientMetadata(client_name="Official client", redirect_uris=[AnyUrl(REDIRECT)]),
            self.kept,
            redirect_handler=self._redirect,
            callback_handler=self._callback,
        )
        transport = httpx2.ASGITransport(app=self)
        http = await stack.enter_async_context(httpx2.AsyncClient(transport=transport, auth=provider))
        return await stack.enter_async_context(
            Client(streamable_http_client(f"{PUBLIC_URL}/mcp", http_client=http))
        )

    async def _redirect(self, link: str) -> None:
        self.links.append(link)

    async def _callback(self) -> AuthorizationCodeResult:
        back = await sync_to_async(person)(Browser(), self._bot, self.links[-1])
        return AuthorizationCodeResult(**dict(parse_qsl(urlsplit(back).query)))


async def test_official_client_connects_by_itself_and_acts_as_its_person(mcp, proxy, access, grant, upstream):
    desk = Desk(mcp, proxy.bot)
    async with AsyncExitStack() as stack:
        client = await desk.open(stack)
        shown = {tool.name for tool in (await client.list_tools()).tools}
        assert {"list_tasks", "call", "who_am_i"} <= shown
        assert not {"create_task", "list_bots", "search_events"} & shown
        result = await client.call_tool("list_tasks", {})
        assert not result.is_error, result
    assert upstream.authorizations == [USER_TOKEN]
    [use] = await uses(proxy)
    assert (use.open_id, use.caller) == ("ou_asked", "agents · Official client")
    assert use.client_id == access.client_id

    # The next time it remembers, and refreshes where it has to.
    await proxy.database.run(lambda: AgentToken.objects.filter(kind="access").delete())
    async with AsyncExitStack() as stack:
        client = await desk.open(stack)
        assert {tool.name for tool in (await client.list_tools()).tools} == shown


async def test_refusal_leads_to_the_metadata(mcp, proxy, access):
    answer = await Agent(mcp, "").post(LIST_TOOLS)
    assert problem(answer) == (401, "caller_unauthenticated")
    at = f"{PUBLIC_URL}/.well-known/oauth-protected-resource/mcp"
    assert answer.headers["www-authenticate"] == f'Bearer resource_metadata="{at}", scope="act"'

    def read():
        browser = Browser()
        return browser.get("/.well-known/oauth-protected-resource/mcp"), browser.get(
            "/.well-known/oauth-authorization-server"
        )

    of_resource, of_server = await proxy.database.run(read)
    assert (
        str(ProtectedResourceMetadata.model_validate(of_resource.json()).resource) == f"{PUBLIC_URL}{PREFIX}"
    )
    assert PREFIX == RESOURCE_PATH
    assert str(OAuthMetadata.model_validate(of_server.json()).issuer) == PUBLIC_URL


@pytest.mark.parametrize("off", [{"enabled": False}, {"bot": None}, {"client": None}])
async def test_nothing_leads_anywhere_while_it_is_off(mcp, proxy, access, agent, off):
    await proxy.database.run(lambda: AgentAccess.objects.update(**off))
    for key in ("", agent.key) if off != {"bot": None} else ("",):
        answer = await Agent(mcp, key).post(LIST_TOOLS)
        assert (problem(answer), answer.headers["www-authenticate"]) == (
            (401, "caller_unauthenticated"),
            "Bearer",
        )

    def read():
        return [
            Browser().get(f"/.well-known/oauth-{name}")
            for name in ("protected-resource", "authorization-server")
        ]

    assert [problem_of(answer) for answer in await proxy.database.run(read)] == [(404, "not_found")] * 2


def problem_of(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_agent_acts_as_nobody_else_and_with_no_other_bot(mcp, proxy, agent, grant, upstream):
    other = await proxy.database.run(make_bot)
    for address in (f"/mcp?bot={other.app_id}", "/mcp?person=ou_other", "/mcp?person=lin@example.com"):
        refused = await Agent(mcp, agent.key, address).post(LIST_TOOLS)
        assert problem(refused) == (403, "not_permitted")
    named = Agent(mcp, agent.key, f"/mcp?bot={proxy.bot.app_id}&person=ou_asked")
    await named.use("list_tasks")
    refused = await agent.refused("list_tasks", person="ou_other")
    assert refused["code"] == "invalid_arguments"
    refused = await agent.refused("call", method="POST", path="/open-apis/task/v2/tasks")
    assert refused["code"] == "path_not_allowed"
    assert set((await agent.use("who_am_i"))["scopes"]) == {Scope.PROXY_USER, Scope.AUTH_CREATE}


async def test_agent_has_no_more_of_a_client_than_to_act_as_its_person(mcp, proxy, agent, grant):
    await proxy.database.run(lambda: ApiClient.objects.update(scopes=list(Scope)))
    shown = set(await agent.tools())
    assert not {"list_bots", "get_bot", "list_incidents", "search_events", "replay_event"} & shown
    assert (await agent.ask("tools/call", name="list_bots", arguments={}))["code"] == -32602
    assert set((await agent.use("who_am_i"))["scopes"]) == {Scope.PROXY_USER, Scope.AUTH_CREATE}


async def test_agents_of_one_person_share_a_bound(
    mcp, proxy, bot, agent, grant, upstream, monkeypatch, settings
):
    second = Agent(mcp, (await proxy.database.run(PlainAgent(bot).connect))["access_token"])
    other = Agent(mcp, await proxy.key(bots=(bot,)))
    come, go = asyncio.Event(), asyncio.Event()

    async def answer(_request):
        come.set()
        await asyncio.wait_for(go.wait(), PATIENCE)
        return JSONResponse({"code": 0, "data": {}})

    upstream.answer = answer
    settings.PROXY_CLIENT_CALLS = 1
    first = asyncio.create_task(agent.use("list_tasks"))
    await asyncio.wait_for(come.wait(), PATIENCE)
    assert (await second.refused("list_tasks"))["code"] == "too_many_calls"
    monkeypatch.setattr(server, "MAX_CALLS", 4)
    assert problem(await second.post(LIST_TOOLS)) == (429, "too_many_calls")
    assert await other.tools()
    go.set()
    await first


async def test_token_opens_nothing_but_the_endpoint_of_agents(proxy, agent, grant, upstream):
    refused = await proxy.call(agent.key, proxy.path())
    assert problem(refused) == (401, "caller_unauthenticated")
    ask = f"/proxy/{proxy.bot.app_id}/users/ou_asked/open-apis/auth/v3/tenant_access_token/internal"
    transport = httpx2.ASGITransport(app=proxy.endpoint)
    async with httpx2.AsyncClient(transport=transport, base_url="http://portal.test") as http:
        answer = await http.post(ask, json={"app_secret": agent.key})
    assert answer.status_code == 401

    def read():
        return Browser(headers={"Authorization": f"Bearer {agent.key}"}).get("/api/v1/bots")

    assert problem_of(await proxy.database.run(read)) == (401, "caller_unauthenticated")
    assert upstream.requests == []


async def test_missing_grant_is_answered_with_a_link_for_the_person(mcp, agent):
    refused = await agent.refused("list_tasks")
    assert refused["code"] == "token_not_found"
    assert refused["authorize_url"].startswith(f"{PUBLIC_URL}/oauth/start/")


@pytest.mark.parametrize("why", [AgentEnd.PERSON, AgentEnd.OPERATOR])
async def test_ended_agent_is_refused_at_once(proxy, agent, grant, why):
    await agent.use("list_tasks")
    await proxy.database.run(lambda: end(ConnectedAgent.objects.get(), why, actor=SYSTEM))
    assert problem(await agent.post(LIST_TOOLS)) == (401, "caller_unauthenticated")


async def test_approval_is_that_agents_and_that_persons_alone(
    mcp, proxy, agent, access, grant, upstream, monkeypatch
):
    monkeypatch.setattr("feishu_portal.approvals.notify.notify", lambda *_message: None)
    rules = ["GET /open-apis/**", "ask POST /open-apis/task/v2/tasks"]
    await proxy.database.run(lambda: ApiClient.objects.update(proxy_paths=rules))
    pending = await agent.use("create_task", summary="x")
    approval = await proxy.database.run(CallApproval.objects.select_related("bot", "client").get)
    connected = await proxy.database.run(ConnectedAgent.objects.get)
    assert (approval.agent, approval.agent_key) == (str(connected), str(connected.pk))
    assert (await agent.use("get_approval", approval=pending["approval"], wait=0))["state"] == "asked"
    await proxy.database.run(lambda: CallApproval.objects.update(open_id="ou_other"))
    assert (await agent.refused("get_approval", approval=pending["approval"], wait=0))["code"] == "not_found"

    def client_of():
        found = FreshRows().client_of(approval)
        return found and found.pk

    assert await proxy.database.run(client_of) == approval.client_id
    await proxy.database.run(lambda: end(connected, AgentEnd.PERSON, actor=SYSTEM))
    assert await proxy.database.run(client_of) is None
