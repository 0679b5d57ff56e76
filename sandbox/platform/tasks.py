"""`/open-apis/task/v2/tasks`: a person's tasks. Pages "List tasks", "Create a task", "Update a task", "Get a task"."""

import uuid
from typing import Any, Final

from sandbox.errors import PlatformError
from sandbox.platform.api_front import Call, Caller, admit
from sandbox.platform.paging import page
from sandbox.platform.recipients import find_person, id_of, sender_of
from sandbox.world.tasks import Task

READ_SCOPES: Final = ("task:task:read", "task:task:readonly", "task:task:write")
WRITE_SCOPES: Final = ("task:task:write", "task:task:writeonly")
CHANGEABLE: Final = ("summary", "description", "due", "completed_at")
INVALID: Final = 1470400
FORBIDDEN: Final = 1470403
MISSING: Final = 1470404
MAX_DIGITS: Final = 15
"""Of a time in milliseconds."""


async def list_tasks(call: Call) -> dict[str, Any]:
    """For the token's person alone: those that they are responsible for."""
    caller = await admit(call, "task.task.list", tenant=False, user=True, scopes=READ_SCOPES)
    wanted = {"true": True, "false": False}.get(call.query.get("completed", ""))
    found = [
        _shown(call, caller, task)
        for task in call.world.tasks.all()
        if (sender_of(caller), "assignee") in task.members and wanted in {None, bool(task.completed_at)}
    ]
    return page(call, found)


async def create(call: Call) -> dict[str, Any]:
    caller = await admit(call, "task.task.create", user=True, scopes=WRITE_SCOPES)
    said, now = call.json(), call.world.now_ms
    if not isinstance(said.get("summary"), str) or not said["summary"]:
        raise PlatformError(INVALID, "request params error: summary is required")
    who = sender_of(caller)
    task = call.world.tasks.made_with(str(said.get("client_token") or ""), who)
    if task is None:
        task = Task(
            guid=str(uuid.uuid4()),
            number=100_000 + len(call.world.tasks.all()),
            creator=who,
            summary=said["summary"],
            description=str(said.get("description") or ""),
            due=said.get("due"),
            members=_members(call, caller, said.get("members") or []),
            created_at=now,
            updated_at=now,
            client_token=str(said.get("client_token") or ""),
        )
        call.world.tasks.add(task)
    return _success({"task": _shown(call, caller, task)})


async def get(call: Call) -> dict[str, Any]:
    caller = await admit(call, "task.task.get", user=True, scopes=READ_SCOPES)
    return _success({"task": _shown(call, caller, _named(call, caller))})


async def patch(call: Call) -> dict[str, Any]:
    """Changes what `update_fields` names, and nothing else that the body says."""
    caller = await admit(call, "task.task.patch", user=True, scopes=WRITE_SCOPES)
    task, said = _named(call, caller), call.json()
    fields, values = said.get("update_fields"), said.get("task")
    if not isinstance(fields, list) or not fields or not isinstance(values, dict):
        raise PlatformError(INVALID, "request params error: task and update_fields are required")
    if unknown := [field for field in fields if field not in CHANGEABLE]:
        raise PlatformError(INVALID, f"request params error: {unknown[0]} cannot be updated")
    if "completed_at" in fields:
        at = str(values.get("completed_at", "0"))
        if not at.isdecimal() or len(at) > MAX_DIGITS:
            raise PlatformError(INVALID, "request params error: completed_at is invalid")
        if int(at) and task.completed_at:
            raise PlatformError(INVALID, "the task is completed already")
        task.completed_at = int(at)
    if "summary" in fields:
        task.summary = str(values.get("summary", ""))
    if "description" in fields:
        task.description = str(values.get("description", ""))
    if "due" in fields:
        task.due = values.get("due")
    task.updated_at = call.world.now_ms
    return _success({"task": _shown(call, caller, task)})


def _named(call: Call, caller: Caller) -> Task:
    task = call.world.tasks.get(call.path("task_guid"))
    if task is None:
        raise PlatformError(MISSING, "The task does not exist or has been deleted.", status=404)
    if not task.concerns(sender_of(caller)):
        raise PlatformError(FORBIDDEN, "No permission.", status=403)
    return task


def _members(call: Call, caller: Caller, said: object) -> list[tuple[str, str]]:
    members = []
    for one in said if isinstance(said, list) else [said]:
        if not isinstance(one, dict) or not isinstance(one.get("id"), str):
            raise PlatformError(INVALID, "request params error: members are invalid")
        kind = call.query.get("user_id_type", "open_id")
        person = find_person(call.world, caller.app, one["id"], kind)
        members.append((person.id, str(one.get("role", "assignee"))))
    return members


def _shown(call: Call, caller: Caller, task: Task) -> dict[str, Any]:
    def member(who: str, role: str) -> dict[str, str]:
        person = call.world.people.get(who)
        if person is None:
            return {"id": who, "type": "app", "role": role, "name": ""}
        kind = call.query.get("user_id_type", "open_id")
        return {"id": id_of(caller.app, person, kind), "type": "user", "role": role, "name": person.name}

    return {
        "guid": task.guid,
        "task_id": f"t{task.number}",
        "summary": task.summary,
        "description": task.description,
        **({"due": task.due} if task.due else {}),
        "creator": member(task.creator, "creator"),
        "members": [member(who, role) for who, role in task.members],
        "completed_at": str(task.completed_at),
        "status": "done" if task.completed_at else "todo",
        "created_at": str(task.created_at),
        "updated_at": str(task.updated_at),
        "url": f"{call.request.base_url}client/todo/detail?guid={task.guid}",
    }


def _success(data: dict[str, Any]) -> dict[str, Any]:
    return {"code": 0, "msg": "success", "data": data}
