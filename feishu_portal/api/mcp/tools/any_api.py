"""Any API of the platform: finding one by words, and calling it."""

from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from asgiref.sync import sync_to_async
from pydantic import Field

from core.access.path_rules import may_allow
from feishu.api_list import Api
from feishu.api_search import described, find
from feishu.text import Text
from feishu_portal.api.mcp.acting import Acting, ToolError
from feishu_portal.api.mcp.registry import Arguments, Effect, Whose, tool

ROOT: Final = "/open-apis/"
DESCRIBED: Final = 5
"""Of the APIs found, those with their parameters."""


class Discover(Arguments):
    words: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
            description='In English, as they stand in a path: "calendar event attendee create"',
        ),
    ]
    limit: Annotated[int, Field(ge=1, le=50)] = 15


@tool(Discover, title=Text("查找开放平台接口", "Find an API"), whose=Whose.EITHER)
async def discover(acting: Acting, wanted: Discover) -> dict[str, Any]:
    """Finds APIs of the Feishu/Lark Open Platform that no other tool covers, for use with call. The best ones come with their
    parameters; only those come that the path rules of this connection may allow."""
    rules = acting.agent.client.proxy_paths

    def is_open(api: Api) -> bool:
        segments = [None if part.startswith(":") else part for part in api.path.split("/")[1:]]
        return may_allow(rules, api.method, segments)

    found = find(wanted.words, limit=wanted.limit, among=is_open)
    details = await sync_to_async(
        lambda: [described(api) for api in found[:DESCRIBED]], thread_sensitive=False
    )()
    return {
        "apis": [
            {
                "method": api.method,
                "path": api.path,
                "callable_as": sorted(
                    {"user": "person", "tenant": "bot", "app": "bot"}[kind] for kind in api.tokens
                ),
                **detail,
            }
            for api, detail in zip(found, [*details, *[{}] * len(found)], strict=False)
        ]
    }


class ApiCall(Arguments):
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
    path: Annotated[
        str,
        Field(
            min_length=2,
            max_length=2000,
            description="/open-apis/…, with its parameters filled in, without a query",
        ),
    ]
    query: dict[str, str | int | bool | list[str]] = Field(default_factory=dict)
    body: dict[str, Any] | list[Any] | None = None


@tool(ApiCall, title=Text("调用开放平台接口", "Call an API"), effect=Effect.CHANGES)
async def call(acting: Acting, wanted: ApiCall) -> Any:
    """Calls any API of the Feishu/Lark Open Platform, as the person or as the bot. The path rules of this connection decide
    which calls go through."""
    if not wanted.path.startswith(ROOT):
        raise ToolError("invalid_arguments", f"path begins with {ROOT}.")
    path = quote(wanted.path, safe="/%~!$&'()*+,=:@")
    return await acting.platform(f"{wanted.method} {path}", query=wanted.query, body=wanted.body)
