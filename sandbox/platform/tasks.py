"""`GET /open-apis/task/v2/tasks`: nobody in the sandbox has a task. Page "List tasks"; the shape is the official SDK's."""

from typing import Any

from sandbox.platform.gateway import Call, admit

SCOPES = ("task:task:read", "task:task:readonly", "task:task:write")


async def list_tasks(call: Call) -> dict[str, Any]:
    await admit(call, "task.task.list", tenant=False, user=True, scopes=SCOPES)
    return {"code": 0, "msg": "success", "data": {"items": [], "page_token": "", "has_more": False}}
