"""A person's tasks: made, listed, completed, and nobody else's."""

import pytest

from tests.sandbox.conftest import Platform
from tests.sandbox.test_user_identity import user_token

TASKS = "task/v2/tasks"
SCOPES = ["offline_access", "auth:user.id:read", "task:task:write"]


@pytest.fixture
async def token(platform: Platform) -> str:
    await platform.put_app(scopes=SCOPES)
    return await user_token(platform, scope="task:task:write")


async def create(platform: Platform, token: str, *, person: str = "lilei", **values) -> dict:
    member = {"id": platform.open_id(person), "role": "assignee"}
    body = {"summary": "周报", "members": [member], **values}
    answer = await platform.api("POST", TASKS, token=token, json=body)
    assert answer.json()["code"] == 0, answer.text
    return answer.json()["data"]["task"]


async def listed(platform: Platform, token: str, **query) -> list[dict]:
    return (await platform.api("GET", TASKS, token=token, params=query)).json()["data"]["items"]


async def change(platform: Platform, token: str, guid: str, /, **values) -> dict:
    body = {"task": values, "update_fields": list(values)}
    return (await platform.api("PATCH", f"{TASKS}/{guid}", token=token, json=body)).json()


async def test_task_is_made_listed_and_completed(platform: Platform, token: str) -> None:
    task = await create(platform, token, due={"timestamp": "1767348000000", "is_all_day": False})
    assert (task["status"], task["completed_at"]) == ("todo", "0")
    assert task["members"] == [{"id": platform.open_id(), "type": "user", "role": "assignee", "name": "李雷"}]
    assert [one["guid"] for one in await listed(platform, token, completed="false")] == [task["guid"]]
    done = await change(platform, token, task["guid"], completed_at="1767348000000")
    assert (done["code"], done["data"]["task"]["status"]) == (0, "done")
    assert (await change(platform, token, task["guid"], completed_at="1767348000001"))["code"] == 1470400
    assert await listed(platform, token, completed="false") == []
    assert (await change(platform, token, task["guid"], completed_at="0"))["data"]["task"]["status"] == "todo"


async def test_same_client_token_makes_one_task(platform: Platform, token: str) -> None:
    first = await create(platform, token, client_token="0123456789")
    assert (await create(platform, token, client_token="0123456789"))["guid"] == first["guid"]
    assert len(await listed(platform, token)) == 1


async def test_others_neither_see_nor_change_it(platform: Platform, token: str) -> None:
    task = await create(platform, token)
    other = await user_token(platform, "hanmeimei", scope="task:task:write")
    assert await listed(platform, other) == []
    assert (await change(platform, other, task["guid"], summary="x"))["code"] == 1470403
    assert (await change(platform, other, "no-such-guid", summary="x"))["code"] == 1470404


async def test_what_does_not_fit_is_refused(platform: Platform, token: str) -> None:
    answer = await platform.api("POST", TASKS, token=token, json={"summary": ""})
    assert answer.json()["code"] == 1470400
    task = await create(platform, token)
    assert (await change(platform, token, task["guid"], guid="x"))["code"] == 1470400
    assert (await platform.api("GET", TASKS)).json()["code"] == 99991663
