"""Tasks of a person."""

import time
from typing import Annotated, Any, Final

from pydantic import Field

from feishu.text import Text
from feishu_portal.api.mcp.acting import Acting
from feishu_portal.api.mcp.registry import Arguments, Effect, Whose, tool
from feishu_portal.api.mcp.tools.values import Id, Moment, Paged, milliseconds

LIST: Final = "GET /open-apis/task/v2/tasks"
CREATE: Final = "POST /open-apis/task/v2/tasks"
CHANGE: Final = "PATCH /open-apis/task/v2/tasks/{task_guid}"


class ListTasks(Paged):
    completed: Annotated[bool | None, Field(description="true: done ones only; false: open ones only")] = None


@tool(ListTasks, title=Text("列出任务", "List tasks"), whose=Whose.PERSON, apis=(LIST,))
async def list_tasks(acting: Acting, wanted: ListTasks) -> Any:
    """The tasks that the person is responsible for."""
    query = {"type": "my_tasks", "user_id_type": "open_id", "completed": wanted.completed, **wanted.page}
    return await acting.platform(LIST, query=query)


class CreateTask(Arguments):
    summary: Annotated[str, Field(min_length=1, max_length=3000)]
    description: Annotated[str | None, Field(max_length=3000)] = None
    due: Moment | None = None
    assignees: Annotated[
        list[Id] | None,
        Field(max_length=50, description="open_ids of those responsible for it, e.g. from search_people"),
    ] = None
    request_id: Annotated[
        str | None,
        Field(
            min_length=10,
            max_length=100,
            description="The same one makes the task once, however often the call is repeated",
        ),
    ] = None


@tool(
    CreateTask,
    title=Text("创建任务", "Create a task"),
    whose=Whose.EITHER,
    effect=Effect.ADDS,
    apis=(CREATE,),
)
async def create_task(acting: Acting, wanted: CreateTask) -> Any:
    """Creates a task."""
    task: dict[str, Any] = {"summary": wanted.summary}
    if wanted.description is not None:
        task["description"] = wanted.description
    if wanted.due is not None:
        task["due"] = {"timestamp": milliseconds(wanted.due), "is_all_day": False}
    if wanted.assignees:
        task["members"] = [{"id": one, "type": "user", "role": "assignee"} for one in wanted.assignees]
    if wanted.request_id is not None:
        task["client_token"] = wanted.request_id
    return await acting.platform(CREATE, query={"user_id_type": "open_id"}, body=task)


class CompleteTask(Arguments):
    task_guid: Annotated[Id, Field(description="guid, from list_tasks")]
    at: Annotated[Moment | None, Field(description="When it was done; left out, now")] = None
    reopen: Annotated[bool, Field(description="Makes a task that is done an open one again")] = False


@tool(CompleteTask, title=Text("完成任务", "Complete a task"), effect=Effect.CHANGES, apis=(CHANGE,))
async def complete_task(acting: Acting, wanted: CompleteTask) -> Any:
    """Marks a task as done, or opens it again."""
    at = "0" if wanted.reopen else milliseconds(wanted.at) or str(time.time_ns() // 1_000_000)
    return await acting.platform(
        CHANGE,
        path={"task_guid": wanted.task_guid},
        query={"user_id_type": "open_id"},
        body={"task": {"completed_at": at}, "update_fields": ["completed_at"]},
    )
