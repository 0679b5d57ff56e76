"""What tools send to the platform, and what agents get of it."""

import json

import pytest
from django.utils import timezone
from starlette.responses import Response

from bots.models import Incident
from core.access.scopes import Scope
from feishu_portal.approvals.carrying_out import CallOutcome, claim, finish
from feishu_portal.approvals.decisions import approve
from feishu_portal.approvals.enums import Approved
from feishu_portal.approvals.models import CallApproval, StoredAnswer
from tests.console.rows import make_event
from tests.feishu_portal.api.mcp.conftest import Agent
from tests.feishu_portal.api.proxy.outcomes import uses

pytestmark = pytest.mark.django_db(transaction=True)


async def test_tool_calls_the_platform_as_the_person_by_the_proxy(mcp, proxy, grant, upstream):
    agent = Agent(mcp, await proxy.key(bots=(proxy.bot,)))
    upstream.will_say({"code": 0, "msg": "success", "data": {"items": [{"guid": "g", "summary": "写周报"}]}})
    assert (await agent.use("list_tasks", person="ou_asked", completed=False))["items"][0][
        "summary"
    ] == "写周报"
    [sent] = upstream.requests
    assert sent.url.path == "/open-apis/task/v2/tasks"
    assert dict(sent.query_params) == {
        "type": "my_tasks", "user_id_type": "open_id", "completed": "false", "page_size": "20"
    }  # fmt: skip
    [use] = await uses(proxy)
    assert (use.method, use.path, use.open_id) == ("GET", "/open-apis/task/v2/tasks", "ou_asked")


async def sent_by(agent, upstream, tool, **arguments):
    """What a tool sent to the platform: method, path, query, body."""
    upstream.requests.clear()
    upstream.bodies.clear()
    await agent.use(tool, person="ou_asked", **arguments)
    request = upstream.requests[-1]
    body = upstream.bodies[-1]
    return request.method, request.url.path, dict(request.query_params), json.loads(body) if body else None


async def test_messages_are_read_sent_and_replied_to(mcp, proxy, grant, upstream):
    agent = Agent(mcp, await proxy.key(bots=(proxy.bot,)))
    method, path, query, _ = await sent_by(
        agent,
        upstream,
        "read_messages",
        chat_id="oc_1",
        since="2026-01-01T08:00:00+08:00",
        order="oldest_first",
    )
    assert (method, path) == ("GET", "/open-apis/im/v1/messages")
    assert query == {
        "container_id_type": "chat", "container_id": "oc_1", "start_time": "1767225600", "sort_type": "ByCreateTimeAsc",
        "page_size": "20",
    }  # fmt: skip
    _, _, query, _ = await sent_by(
        agent, upstream, "read_messages", chat_id="omt_1", since="2026-01-01T08:00:00+08:00"
    )
    assert (query["container_id_type"], "start_time" in query) == ("thread", False)
    for to, kind in (
        ("oc_1", "chat_id"),
        ("ou_1", "open_id"),
        ("li@example.com", "email"),
        ("on_1", "union_id"),
    ):
        _, _, query, body = await sent_by(
            agent, upstream, "send_message", to=to, text="你好", request_id="r-1"
        )
        assert query == {"receive_id_type": kind}
        assert body == {"receive_id": to, "msg_type": "text", "content": '{"text": "你好"}', "uuid": "r-1"}
    _, path, _, body = await sent_by(
        agent, upstream, "reply_to_message", message_id="om_1", markdown="**yes**", in_thread=True
    )
    assert path == "/open-apis/im/v1/messages/om_1/reply"
    assert body["reply_in_thread"] is True
    assert json.loads(body["content"]) == {"zh_cn": {"content": [[{"tag": "md", "text": "**yes**"}]]}}
    _, _, _, body = await sent_by(agent, upstream, "send_message", to="oc_1", card={"schema": "2.0"})
    assert (body["msg_type"], body["content"]) == ("interactive", '{"schema": "2.0"}')


async def test_tasks_are_created_and_completed(mcp, proxy, grant, upstream):
    agent = Agent(mcp, await proxy.key(bots=(proxy.bot,)))
    method, path, _, body = await sent_by(
        agent, upstream, "create_task", summary="周报", due="2026-01-02T18:00:00+08:00", assignees=["ou_1"]
    )
    assert (method, path) == ("POST", "/open-apis/task/v2/tasks")
    assert body == {
        "summary": "周报",
        "due": {"timestamp": "1767348000000", "is_all_day": False},
        "members": [{"id": "ou_1", "type": "user", "role": "assignee"}],
    }
    method, path, _, body = await sent_by(
        agent, upstream, "complete_task", task_guid="g-1", at="2026-01-02T18:00:00+08:00"
    )
    assert (method, path) == ("PATCH", "/open-apis/task/v2/tasks/g-1")
    assert body == {"task": {"completed_at": "1767348000000"}, "update_fields": ["completed_at"]}
    _, _, _, body = await sent_by(agent, upstream, "complete_task", task_guid="g-1", reopen=True)
    assert body["task"] == {"completed_at": "0"}


async def test_calendars_tables_and_searches_are_asked_as_the_platform_wants(mcp, proxy, grant, upstream):
    agent = Agent(mcp, await proxy.key(bots=(proxy.bot,)))
    morning, evening = "2026-01-02T09:00:00+08:00", "2026-01-02T18:00:00+08:00"
    _, path, query, _ = await sent_by(agent, upstream, "list_events", since=morning, until=evening)
    assert path == "/open-apis/calendar/v4/calendars/primary/events"
    assert query == {"start_time": "1767315600", "end_time": "1767348000", "page_size": "50"}
    _, _, _, body = await sent_by(
        agent, upstream, "create_event", summary="评审", start=morning, end=evening, location="3F"
    )
    assert body["start_time"] == {"timestamp": "1767315600", "timezone": "Asia/Shanghai"}
    assert body["location"] == {"name": "3F"}
    refused = await agent.refused("create_event", person="ou_asked", summary="x", start=evening, end=morning)
    assert "end is not after start" in refused["detail"]
    _, path, _, body = await sent_by(
        agent, upstream, "read_table", app_token="bas1", table_id="tbl1", field_names=["A"]
    )
    assert path == "/open-apis/bitable/v1/apps/bas1/tables/tbl1/records/search"
    assert body == {"field_names": ["A"]}
    _, path, _, _ = await sent_by(agent, upstream, "list_tables", app_token="bas1")
    assert path == "/open-apis/bitable/v1/apps/bas1/tables"
    _, path, query, _ = await sent_by(agent, upstream, "search_people", query="李雷")
    assert (path, query["query"]) == ("/open-apis/search/v1/user", "李雷")
    _, path, _, _ = await sent_by(agent, upstream, "search_chats", query="研发")
    assert path == "/open-apis/im/v1/chats/search"
    _, path, _, body = await sent_by(agent, upstream, "search_documents", query="周报")
    assert path == "/open-apis/search/v2/doc_wiki/search"
    assert body == {"query": "周报", "page_size": 20, "doc_filter": {}, "wiki_filter": {}}


async def test_document_is_read_by_its_token_its_address_or_its_wiki_page(mcp, proxy, grant, upstream):
    agent = Agent(mcp, await proxy.key(bots=(proxy.bot,)))
    for document in ("dox1", "https://corp.feishu.cn/docx/dox1", "https://corp.feishu.cn/docx/dox1?from=x#y"):
        _, path, _, _ = await sent_by(agent, upstream, "read_document", document=document)
        assert path == "/open-apis/docx/v1/documents/dox1/raw_content"
    upstream.will_say(
        {"code": 0, "data": {"node": {"obj_type": "docx", "obj_token": "dox2"}}},
        {"code": 0, "data": {"content": "正文"}},
    )
    found = await agent.use("read_document", person="ou_asked", document="https://corp.feishu.cn/wiki/wik1")
    assert found == {"content": "正文", "document_id": "dox2"}
    refused = await agent.refused(
        "read_document", person="ou_asked", document="https://corp.feishu.cn/sheets/sht1"
    )
    assert (refused["code"], refused["token"]) == ("not_a_document", "sht1")


async def test_files_come_as_text_or_base64_and_go_as_a_form(mcp, proxy, grant, upstream):
    agent = Agent(mcp, await proxy.key(bots=(proxy.bot,)))

    def will_send(content, content_type):
        async def answer(_request):
            return Response(
                content, media_type=content_type, headers={"content-disposition": 'attachment; filename="a"'}
            )

        upstream.answer = answer

    will_send("纪要".encode(), "application/octet-stream")
    found = await agent.use("download_file", person="ou_asked", file_token="box1")
    assert found == {"content_type": "application/octet-stream", "bytes": 6, "text": "纪要"}
    will_send(b'{"code": 7}', "application/json")
    assert (await agent.use("download_file", person="ou_asked", file_token="box1"))["text"] == '{"code": 7}'
    will_send(b"\xff\x00", "image/png")
    picture = await agent.use(
        "download_message_file", person="ou_asked", message_id="om_1", file_key="k", kind="image"
    )
    assert picture["base64"] == "/wA="
    upstream.will_say({"code": 0, "data": {"file_token": "box2"}})
    uploaded = await agent.use(
        "upload_file", person="ou_asked", name="周报.txt", folder_token="fld1", text="好"
    )
    assert uploaded == {"file_token": "box2"}
    form = upstream.bodies[-1].decode()
    assert 'name="parent_node"\r\n\r\nfld1' in form
    assert 'name="size"\r\n\r\n3' in form
    assert "好" in form
    refused = await agent.refused("upload_file", person="ou_asked", name="a", folder_token="f", base64="***")
    assert refused["code"] == "invalid_arguments"


async def test_discover_finds_apis_with_their_parameters_within_the_rules(mcp, proxy):
    agent = Agent(mcp, await proxy.key(bots=(proxy.bot,)))
    found = (await agent.use("discover", words="create calendar event attendee"))["apis"]
    assert found[0]["method"] == "POST"
    assert found[0]["path"] == "/open-apis/calendar/v4/calendars/:calendar_id/events/:event_id/attendees"
    assert found[0]["callable_as"] == ["bot", "person"]
    assert "attendees" in found[0]["body"]
    bound = Agent(mcp, await proxy.key(bots=(proxy.bot,), proxy_paths=["GET /open-apis/calendar/**"]))
    found = (await bound.use("discover", words="calendar event"))["apis"]
    assert found
    assert all(api["method"] == "GET" and api["path"].startswith("/open-apis/calendar/") for api in found)


async def test_refusal_of_the_platform_says_cause_cure_and_log_id(mcp, proxy, grant, upstream):
    upstream.will_say(
        {"code": 230002, "msg": "Bot/User can NOT be out of the chat."}, headers={"x-tt-logid": "log-1"}
    )
    agent = Agent(mcp, await proxy.key(bots=(proxy.bot,)))
    refused = await agent.refused("send_message", person="ou_asked", to="oc_1", text="x")
    assert (refused["platform_code"], refused["log_id"]) == (230002, "log-1")
    assert refused["cure"]


@pytest.mark.parametrize("code", ["0", 0.0, 0])
async def test_success_is_one_however_its_code_is_written(mcp, proxy, grant, upstream, code):
    body = {"code": code, "msg": "success", "data": {"items": [{"guid": "g"}]}}
    upstream.will_say(body, status=201)
    agent = Agent(mcp, await proxy.key(bots=(proxy.bot,)))
    assert (await agent.use("list_tasks", person="ou_asked"))["items"][0]["guid"] == "g"


async def test_refusal_is_one_however_its_code_is_written(mcp, proxy, grant, upstream):
    upstream.will_say({"code": "99991672", "msg": ["no"]}, status=400)
    agent = Agent(mcp, await proxy.key(bots=(proxy.bot,)))
    assert (await agent.refused("list_tasks", person="ou_asked"))["platform_code"] == 99991672


async def test_agent_learns_who_it_is(mcp, proxy, grant, upstream):
    upstream.will_say({"code": 0, "data": {"name": "李雷", "open_id": "ou_asked"}})
    key = await proxy.key(Scope.PROXY_USER, bots=(proxy.bot,), proxy_paths=["GET /open-apis/**"])
    found = await Agent(mcp, key, "/mcp?person=ou_asked").use("who_am_i")
    assert found["person"]["name"] == "李雷"
    assert found["path_rules"] == ["GET /open-apis/**"]
    assert found["bots"] == [{"app_id": proxy.bot.app_id, "name": proxy.bot.name}]
    alone = await Agent(mcp, await proxy.key(Scope.BOTS_READ)).use("who_am_i")
    assert (alone["person"], alone["scopes"]) == (None, ["bots:read"])


async def test_operator_tools_answer_as_the_rest_api_does(mcp, proxy, database):
    def happen():
        event = make_event(proxy.bot)
        Incident.objects.create(
            bot=proxy.bot, cause="not_connected", began_at=timezone.now(), message="refused"
        )
        return event

    event = await database.run(happen)
    agent = Agent(mcp, await proxy.key(*Scope, bots=(proxy.bot,)))
    assert [bot["app_id"] for bot in (await agent.use("list_bots"))["items"]] == [proxy.bot.app_id]
    assert (await agent.use("get_bot"))["connections"]
    [incident] = (await agent.use("list_incidents"))["items"]
    assert (incident["cause"], incident["error"]) == ("not_connected", "refused")
    assert incident["cure"]
    [found] = (await agent.use("search_events"))["items"]
    assert found["id"] == event.pk
    assert (await agent.use("get_event", event=event.pk))["payload"]
    refused = await agent.refused("replay_event", event=event.pk)
    assert refused["code"] == "nothing_to_replay"


async def test_call_that_a_person_approves_is_pending_and_then_answered(
    mcp, proxy, grant, upstream, monkeypatch
):
    monkeypatch.setattr("feishu_portal.approvals.notify.notify", lambda *_message: None)
    rules = ["ask POST /open-apis/task/v2/tasks", "GET /open-apis/**"]
    agent = Agent(mcp, await proxy.key(Scope.PROXY_USER, bots=(proxy.bot,), proxy_paths=rules))
    wanted = {"summary": "写周报", "person": "ou_asked"}
    pending = await agent.use("create_task", **wanted)
    assert (pending["code"], pending["http_status"]) == ("approval_pending", 202)
    assert await agent.use("create_task", **wanted) == pending | {"expires_at": pending["expires_at"]}
    asked = await agent.use("get_approval", approval=pending["approval"], wait=0)
    assert (asked["state"], asked["answer"]) == ("asked", None)
    assert upstream.requests == []

    def carry_out() -> None:
        approval = CallApproval.objects.select_related("bot").get()
        approve(approval, kind=Approved.ONCE)
        answer = StoredAnswer("application/json", b'{"code": 0, "data": {"task": {"guid": "t_1"}}}')
        finish(claim(approval.pk), CallOutcome(status=200, code=0, answer=answer))

    await proxy.database.run(carry_out)
    done = await agent.use("get_approval", approval=pending["approval"])
    assert (done["state"], done["answer"]["body"]["data"]) == ("done", {"task": {"guid": "t_1"}})
    others = Agent(mcp, await proxy.key(Scope.PROXY_USER, bots=(proxy.bot,), proxy_paths=rules))
    assert (await others.refused("get_approval", approval=pending["approval"]))["code"] == "not_found"


async def test_agent_without_rules_that_ask_has_no_use_for_approvals(mcp, proxy):
    shown = await Agent(mcp, await proxy.key(Scope.PROXY_USER, proxy_paths=["GET /open-apis/**"])).tools()
    assert "get_approval" not in shown
