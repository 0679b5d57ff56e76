"""Calls that are asked about."""

import json
from typing import Any

from bots.models import Bot
from core.access.actors import SYSTEM
from core.access.api_keys import add_api_client
from core.access.call_contents import read_contents
from core.access.models import ApiClient
from core.access.scopes import Scope
from feishu_portal.approvals.asking import CallInQuestion, ask
from feishu_portal.approvals.models import CallApproval, StoredCall

TASK = {"summary": "写周报", "members": [{"id": "ou_lin", "type": "user"}]}


def question_of(
    bot: Bot,
    body: Any = TASK,
    /,
    *,
    path: str = "/open-apis/task/v2/tasks",
    query: str = "",
    content_type: str = "application/json",
    **values: Any,
) -> tuple[CallInQuestion, StoredCall]:
    """A call of the client named ``assistant``, unless ``values`` say another."""
    client = ApiClient.objects.filter(name="assistant").first()
    if client is None:
        client, _key = add_api_client(
            name="assistant", scopes=[Scope.PROXY_USER], bots=[bot], expires_at=None, actor=SYSTEM
        )
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    question = CallInQuestion(
        **{
            "client": client,
            "bot": bot,
            "tenant_key": "tenant",
            "open_id": "ou_asked",
            "rule": "ask POST /open-apis/**",
            "method": "POST",
            "path": path,
            "contents": read_contents(query, content, content_type=content_type),
        }
        | values
    )
    return question, StoredCall(path, query, (("content-type", content_type),), content)


def ask_about(bot: Bot, body: Any = TASK, /, **values: Any) -> CallApproval:
    question, call = question_of(bot, body, **values)
    return ask(question, call=call, actor=SYSTEM)
