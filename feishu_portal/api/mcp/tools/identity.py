"""Who the agent is."""

from typing import Any, Final

from core.access.scopes import Scope
from feishu.text import Text
from feishu_portal.api.mcp.acting import Acting, ToolError
from feishu_portal.api.mcp.registry import Arguments, Whose, tool

USER_INFO: Final = "GET /open-apis/authen/v1/user_info"


class WhoAmI(Arguments):
    """Nothing."""


@tool(WhoAmI, title=Text("我是谁", "Who am I"), whose=Whose.PORTAL, scopes=tuple(Scope), of_a_bot=False)
async def who_am_i(acting: Acting, _wanted: WhoAmI) -> dict[str, Any]:
    """Whom this connection acts for: the API client, its scopes, bots and path rules, and the person, where the connection is
    for one."""
    agent = acting.agent
    found: dict[str, Any] = {
        "client": agent.client.name,
        "scopes": agent.client.scopes,
        "bots": [{"app_id": app_id, "name": name} for app_id, name in agent.bots],
        "path_rules": agent.client.proxy_paths or ["* /open-apis/**"],
        "bot": agent.bot or None,
        "person": agent.person or None,
    }
    if agent.bot and agent.person:
        try:
            found["person"] = await acting.platform(USER_INFO)
        except ToolError as refused:
            found["person_unknown"] = refused.facts
    return found
