"""Finding people and chats."""

from typing import Any, Final

from feishu.text import Text
from feishu_portal.api.mcp.acting import Acting
from feishu_portal.api.mcp.registry import Whose, tool
from feishu_portal.api.mcp.tools.values import Paged, Words

SEARCH_PEOPLE: Final = "GET /open-apis/search/v1/user"
SEARCH_CHATS: Final = "GET /open-apis/im/v1/chats/search"


class Search(Paged):
    query: Words


@tool(Search, title=Text("搜索成员", "Search people"), whose=Whose.PERSON, apis=(SEARCH_PEOPLE,))
async def search_people(acting: Acting, wanted: Search) -> Any:
    """Colleagues by name, as the person would find them; with their open_id, to write to them, and their departments."""
    return await acting.platform(SEARCH_PEOPLE, query={"query": wanted.query, **wanted.page})


@tool(Search, title=Text("搜索群聊", "Search chats"), apis=(SEARCH_CHATS,))
async def search_chats(acting: Acting, wanted: Search) -> Any:
    """Group chats by name that the person, or the bot, is in or may see; with their chat_id, to read and write there."""
    return await acting.platform(SEARCH_CHATS, query={"query": wanted.query, **wanted.page})
