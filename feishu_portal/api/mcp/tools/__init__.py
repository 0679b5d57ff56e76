"""The tools of agents, a subject a file."""

from feishu_portal.api.mcp.registry import TOOLS
from feishu_portal.api.mcp.tools import (  # noqa: F401 -- each declares its own
    any_api,
    approvals,
    calendar,
    documents,
    files,
    identity,
    messages,
    operation,
    people,
    tables,
    tasks,
)

__all__ = ["TOOLS"]
