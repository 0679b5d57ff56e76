"""Software of others, unmodified, through the proxy: the Node SDK and the official MCP server, as the bot and as a person."""

import asyncio
import json

import pytest

from tests.feishu_portal.api.proxy.tokens import APP_TOKEN, USER_TOKEN
from tests.sandbox.foreign.test_foreign import HERE, MCP, MODULES, Assistant, need, program
from tests.services.processes import PATIENCE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes, pytest.mark.only_on("postgres")]
CHATS = {"items": [{"chat_id": "oc_1", "name": "Planning"}]}


async def test_node_sdk_and_mcp_server_act_as_the_bot_and_as_a_person(portal, proxy, grant, upstream):
    """Four programs at once: each takes seconds to load."""
    need(MODULES / "node-sdk")
    need(MCP)
    upstream.will_say({"code": 0, "msg": "success", "data": CHATS})
    key = await proxy.key()

    async def by_sdk(user: str) -> object:
        arguments = (portal + proxy.path("", user=user), proxy.bot.app_id, key)
        async with program(
            "node", HERE / "node_chats.mjs", *arguments, stdout=asyncio.subprocess.PIPE
        ) as tour:
            output, _ = await tour.communicate()
        return json.loads(output.splitlines()[-1])

    async def by_mcp(user: str, *options: str) -> object:
        domain, pipe = portal + proxy.path("", user=user), asyncio.subprocess.PIPE
        command = ("node", MCP, "mcp", "-a", proxy.bot.app_id, "-d", domain, *options)
        async with program(*command, stdin=pipe, stdout=pipe) as server:
            assistant = Assistant(server)
            await assistant.initialize()
            return await assistant.use("im_v1_chat_list", params={})

    as_a_person = ("-s", "none", "-u", key, "--token-mode", "user_access_token")
    asked = (by_sdk(""), by_sdk("ou_asked"), by_mcp("", "-s", key), by_mcp("ou_asked", *as_a_person))
    async with asyncio.timeout(PATIENCE):
        assert await asyncio.gather(*asked) == [CHATS] * 4
    assert sorted(upstream.authorizations) == sorted([APP_TOKEN, USER_TOKEN] * 2)
