"""Values of another kind than an API takes are refused, whatever they are."""

import json
from typing import Any

import pytest

from sandbox.config import DEFAULT_SCOPES
from tests.sandbox.conftest import APP_ID, SECRET, Platform

POST = json.dumps({"zh_cn": {"title": "t", "content": [[{"tag": []}]]}})


@pytest.mark.parametrize(
    ("method", "path", "options"),
    [
        ("POST", "im/v1/messages", {"json": {"msg_type": [], "content": "{}"}}),
        ("POST", "im/v1/messages", {"json": {"msg_type": "post", "content": POST}}),
        ("POST", "im/v1/chats", {"json": {"bot_id_list": [[]]}}),
        ("POST", "task/v2/tasks", {"json": {"summary": "s", "members": 5}}),
        ("GET", "im/v1/messages", {"params": {"page_size": "²"}}),
        ("GET", "im/v1/messages", {"params": {"page_token": "²"}}),
        ("GET", "im/v1/messages", {"params": {"start_time": "9" * 5000}}),
        ("GET", "im/v1/chats", {"params": {"page_size": "9" * 5000}}),
    ],
)
async def test_api_refuses_it(platform: Platform, method: str, path: str, options: dict[str, Any]) -> None:
    await platform.put_app(scopes=[*DEFAULT_SCOPES, "task:task:write"])
    said = await platform.control("POST", "say", {"person": "lilei", "app_id": APP_ID, "text": "x"})
    if path == "im/v1/messages" and method == "POST":
        options = {
            "params": {"receive_id_type": "open_id"},
            "json": {"receive_id": platform.open_id(), **options["json"]},
        }
    elif path == "im/v1/messages":
        options = {
            "params": {"container_id_type": "chat", "container_id": said["chat_id"], **options["params"]}
        }
    answer = await platform.api(method, path, **options)
    assert answer.status_code == 400
    assert answer.json()["code"]


async def test_hook_and_token_endpoint_refuse_it(platform: Platform) -> None:
    hook = await platform.control("POST", "hooks", {})
    answer = await platform.http.post(hook["path"], json={"msg_type": [], "content": {"text": "x"}})
    assert answer.json()["code"] == 19002
    body = {"client_id": APP_ID, "client_secret": SECRET, "token": "x", "token_type_hint": []}
    answer = await platform.http.post("/oauth/v1/revoke", json=body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
