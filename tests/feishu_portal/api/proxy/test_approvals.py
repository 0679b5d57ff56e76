"""Calls that a rule asks about: held until the person has approved them, and then sent once."""

import asyncio
import json
import threading
from datetime import timedelta

import httpx2
import pytest
from django.db import connection
from django.utils import timezone

from core.access.models import ApiClient, AuditEntry
from core.vault.fields import Sealed
from feishu.errors import TransportError
from feishu.relay import Relay
from feishu_portal.api.proxy import approved as approved_calls
from feishu_portal.api.proxy import call as proxy_call
from feishu_portal.api.proxy.approved import send_approved
from feishu_portal.approvals.carrying_out import give_up_interrupted, to_send
from feishu_portal.approvals.decisions import approve, deny
from feishu_portal.approvals.enums import ApprovalState, Approved
from feishu_portal.approvals.models import CallApproval
from feishu_portal.approvals.retention import forget_answers
from tests.feishu_portal.api.proxy.outcomes import problem, uses
from tests.feishu_portal.api.proxy.tokens import USER_TOKEN

pytestmark = pytest.mark.django_db(transaction=True)
TASKS = "/open-apis/task/v2/tasks"
RULES = ["GET /open-apis/**", f"ask POST {TASKS}"]
TASK = {"summary": "写周报"}


@pytest.fixture(autouse=True)
def notified(monkeypatch) -> list[tuple[object, ...]]:
    messages: list[tuple[object, ...]] = []
    monkeypatch.setattr("feishu_portal.approvals.notify.notify", lambda *message: messages.append(message))
    return messages


async def ask(proxy, key=None, **body) -> httpx2.Response:
    key = key or await proxy.key(bots=(proxy.bot,), proxy_paths=RULES)
    return await proxy.call(key, proxy.path(), method="POST", **(body or {"json": TASK}))


async def approval_of(proxy, response: httpx2.Response) -> CallApproval:
    assert problem(response) == (202, "approval_pending")
    pk = response.json()["approval"]
    return await proxy.database.run(lambda: CallApproval.objects.select_related("bot").get(pk=pk))


async def approved(proxy, response: httpx2.Response, kind: Approved = Approved.ONCE) -> CallApproval:
    approval = await approval_of(proxy, response)
    assert await proxy.database.run(lambda: approve(approval, kind=kind))
    return approval


async def carry_out(proxy, approval: CallApproval) -> CallApproval:
    """By a worker, which has a thread and an event loop of its own."""

    def work() -> None:
        try:
            send_approved(approval.pk)
        finally:
            connection.close()

    await run_in_thread(work)
    await proxy.database.run(approval.refresh_from_db)
    return approval


async def run_in_thread(work) -> None:
    await asyncio.get_running_loop().run_in_executor(None, work)


async def test_call_waits_for_the_person_and_is_not_sent(proxy, grant, upstream, notified):
    response = await ask(proxy)
    approval = await approval_of(proxy, response)
    assert response.headers["location"] == response.json()["url"] == f"/api/v1/approvals/{approval.pk}"
    assert upstream.requests == []
    assert notified == [("approvals.sync_card", str(approval.pk))]
    assert (approval.open_id, approval.rule, str(approval)) == ("ou_asked", RULES[1], f"POST {TASKS}")
    assert json.loads(approval.stored_call.body) == TASK
    stored = await proxy.database.run(lambda: CallApproval.objects.values_list("call", flat=True).get())
    assert "写周报" not in stored
    await uses(proxy, 0)


async def test_approved_call_is_sent_once_with_all_that_it_said(proxy, grant, upstream):
    upstream.will_say({"code": 0, "msg": "success", "data": {"task": {"guid": "t_1"}}})
    key = await proxy.key(bots=(proxy.bot,), proxy_paths=RULES)
    response = await proxy.call(
        key,
        proxy.path(f"{TASKS}?user_id_type=open_id"),
        method="POST",
        json=TASK,
        headers={"x-request-id": "r-1"},
    )
    approval = await approved(proxy, response)
    for _ in range(2):
        await carry_out(proxy, approval)
    [request] = upstream.requests
    assert (request.method, str(request.url.query)) == ("POST", "user_id_type=open_id")
    assert upstream.authorizations == [USER_TOKEN]
    assert json.loads(upstream.bodies[0]) == TASK
    assert (request.headers["content-type"], request.headers["x-request-id"]) == ("application/json", "r-1")
    assert (approval.state, approval.status, approval.code, approval.call) == ("done", 200, 0, "")
    assert json.loads(approval.stored_answer.body)["data"] == {"task": {"guid": "t_1"}}
    [use] = await uses(proxy, 1)
    assert (use.method, use.path, use.status, use.caller) == ("POST", TASKS, 200, approval.caller)


async def test_same_call_again_waits_for_the_same_answer(proxy, grant, upstream):
    key = await proxy.key(bots=(proxy.bot,), proxy_paths=RULES)
    first, again = await ask(proxy, key), await ask(proxy, key)
    other = await ask(proxy, key, json={"summary": "other"})
    assert first.json()["approval"] == again.json()["approval"] != other.json()["approval"]
    await approved(proxy, first)
    assert (await ask(proxy, key)).json()["approval"] == first.json()["approval"]


async def test_denied_call_is_not_asked_about_again_at_once(proxy, grant, upstream):
    key = await proxy.key(bots=(proxy.bot,), proxy_paths=RULES)
    approval = await approval_of(proxy, await ask(proxy, key))
    assert await proxy.database.run(lambda: deny(approval))
    assert problem(await ask(proxy, key)) == (403, "approval_denied")
    assert problem(await ask(proxy, key, json={"summary": "other"})) == (202, "approval_pending")
    await carry_out(proxy, approval)
    assert upstream.requests == []


async def test_hour_covers_such_calls_of_the_same_client_for_the_same_person(
    proxy, grant, upstream, database
):
    rules = ["ask POST /open-apis/im/v1/messages", "ask POST /open-apis/im/v1/messages/*/reply"]
    key = await proxy.key(bots=(proxy.bot,), proxy_paths=rules)

    async def send(
        key: str, chat: str, text: str, path: str = "/open-apis/im/v1/messages"
    ) -> httpx2.Response:
        body = {"receive_id": chat, "content": text, "client_token": text}
        return await proxy.call(key, proxy.path(path), method="POST", json=body)

    approval = await approved(proxy, await send(key, "oc_1", "a"), Approved.HOUR)
    assert (await send(key, "oc_1", "b")).status_code == 200
    assert (await send(key, "oc_1", "c")).status_code == 200
    assert problem(await send(key, "oc_2", "b")) == (202, "approval_pending")
    assert problem(await send(key, "oc_1", "b", "/open-apis/im/v1/messages/om_1/reply")) == (
        202,
        "approval_pending",
    )
    other = await proxy.key(bots=(proxy.bot,), proxy_paths=rules)
    assert problem(await send(other, "oc_1", "b")) == (202, "approval_pending")
    await database.run(approval.refresh_from_db)
    assert approval.covered == 2
    await database.run(lambda: CallApproval.objects.update(covers_until=timezone.now()))
    assert problem(await send(key, "oc_1", "d")) == (202, "approval_pending")
    assert len(upstream.requests) == 2


async def test_body_that_cannot_be_read_is_approved_once_only(proxy, grant, upstream):
    approval = await approval_of(
        proxy, await ask(proxy, content=b"summary=x", headers={"content-type": "text/plain"})
    )
    assert approval.scope_hash == ""
    assert not await proxy.database.run(lambda: approve(approval, kind=Approved.HOUR))
    assert await proxy.database.run(lambda: approve(approval, kind=Approved.ONCE))


async def test_long_body_is_not_asked_about(proxy, grant, upstream):
    response = await ask(proxy, content=b"x" * (256 * 1024 + 1))
    assert problem(response) == (413, "body_too_large")
    assert await proxy.database.run(CallApproval.objects.count) == 0


async def test_bot_itself_has_nobody_to_ask(proxy, upstream):
    key = await proxy.key(bots=(proxy.bot,), proxy_paths=RULES)
    as_bot = await proxy.call(key, proxy.path(user=""), method="POST", json=TASK)
    fallback = await proxy.call(
        key, proxy.path(), method="POST", json=TASK, headers={"feishu-portal-fallback": "app"}
    )
    assert problem(as_bot) == problem(fallback) == (403, "approval_impossible")
    assert upstream.requests == []


async def test_person_without_a_grant_is_not_asked(proxy, upstream):
    assert problem(await ask(proxy)) == (404, "token_not_found")


async def test_one_person_is_asked_about_so_many_calls_at_once(proxy, grant, upstream, monkeypatch):
    monkeypatch.setattr("feishu_portal.approvals.asking.MAX_OPEN", 2)
    key = await proxy.key(bots=(proxy.bot,), proxy_paths=RULES)
    for number in range(2):
        assert problem(await ask(proxy, key, json={"summary": str(number)}))[0] == 202
    assert problem(await ask(proxy, key, json={"summary": "3"})) == (429, "too_many_approvals")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda: ApiClient.objects.update(enabled=False), "caller_unauthenticated"),
        (lambda: ApiClient.objects.update(proxy_paths=[f"deny POST {TASKS}"]), "path_not_allowed"),
        (lambda: ApiClient.objects.all().delete(), "caller_unauthenticated"),
        (
            lambda: CallApproval.objects.update(decided_at=timezone.now() - timedelta(hours=1)),
            "approval_too_old",
        ),
        (lambda: CallApproval.objects.update(call=Sealed("x")), "token_sealed"),
    ],
)
async def test_call_that_may_not_go_on_any_more_is_not_sent(proxy, grant, upstream, change, code):
    approval = await approved(proxy, await ask(proxy))
    await proxy.database.run(change)
    await carry_out(proxy, approval)
    assert (approval.state, approval.problem, approval.call) == ("failed", code, "")
    assert upstream.requests == []


async def test_refusal_of_the_platform_is_an_answer(proxy, grant, upstream):
    upstream.will_say({"code": 1470400, "msg": "no"})
    approval = await carry_out(proxy, await approved(proxy, await ask(proxy)))
    assert (approval.state, approval.status, approval.code) == ("done", 400, 1470400)


async def test_platform_that_cannot_be_reached_is_tried_again(proxy, grant, upstream, database, monkeypatch):
    async def refuse(*_arguments, **_options):
        raise TransportError("no route", sent="no")

    approval = await approved(proxy, await ask(proxy))
    monkeypatch.setattr(Relay, "open", refuse)
    await carry_out(proxy, approval)
    assert (approval.state, approval.attempts, approval.problem) == ("approved", 1, "upstream_failed")
    assert await database.run(to_send) == []
    await database.run(lambda: CallApproval.objects.update(due_at=timezone.now(), attempts=5))
    await carry_out(proxy, approval)
    assert (approval.state, approval.attempts) == ("failed", 6)
    assert upstream.requests == []


async def test_answer_that_does_not_come_leaves_the_call_uncertain(proxy, grant, upstream, monkeypatch):
    async def break_off(_relayed):
        raise TransportError("cut", sent="unknown")

    monkeypatch.setattr(proxy_call, "peek", break_off)
    approval = await approved(proxy, await ask(proxy))
    for _ in range(2):
        await carry_out(proxy, approval)
    assert (approval.state, approval.problem, approval.attempts) == ("uncertain", "upstream_failed", 1)
    assert len(upstream.requests) == 1


async def test_call_whose_sender_died_is_never_sent_again(proxy, grant, upstream, database):
    approval = await approved(proxy, await ask(proxy))
    long_ago = timezone.now() - timedelta(minutes=6)
    await database.run(
        lambda: CallApproval.objects.update(state=ApprovalState.SENDING, sent_at=long_ago, due_at=None)
    )
    assert await database.run(to_send) == []
    await database.run(give_up_interrupted)
    await carry_out(proxy, approval)
    assert (approval.state, approval.problem, approval.call) == ("uncertain", "interrupted", "")
    assert upstream.requests == []


async def test_two_workers_send_it_once(proxy, grant, upstream):
    approval = await approved(proxy, await ask(proxy))
    ready = threading.Barrier(2)

    def work() -> None:
        ready.wait(10)
        try:
            send_approved(approval.pk)
        finally:
            connection.close()

    await asyncio.gather(run_in_thread(work), run_in_thread(work))
    assert len(upstream.requests) == 1


async def test_long_answer_is_not_kept(proxy, grant, upstream, monkeypatch):
    monkeypatch.setattr(approved_calls, "MAX_ANSWER", 10)
    approval = await carry_out(proxy, await approved(proxy, await ask(proxy)))
    assert (approval.state, approval.status, approval.stored_answer.body) == ("done", 200, None)


async def test_answer_is_forgotten_after_an_hour(proxy, grant, upstream, database):
    approval = await carry_out(proxy, await approved(proxy, await ask(proxy)))
    assert await database.run(forget_answers) == 0
    await database.run(
        lambda: CallApproval.objects.update(finished_at=timezone.now() - timedelta(minutes=61))
    )
    assert await database.run(forget_answers) == 1
    await database.run(approval.refresh_from_db)
    assert approval.stored_answer is None


async def test_resources_of_the_body_decide_and_the_body_goes_on_whole(proxy, grant, upstream):
    rules = [
        "allow POST /open-apis/im/v1/messages receive_id=oc_team",
        "deny * /open-apis/** oc_board",
        "ask * /open-apis/**",
    ]
    key = await proxy.key(bots=(proxy.bot,), proxy_paths=rules)
    path = proxy.path("/open-apis/im/v1/messages")
    body = {"receive_id": "oc_team", "content": "你好"}
    assert (await proxy.call(key, path, method="POST", json=body)).status_code == 200
    assert json.loads(upstream.bodies[0]) == body
    board = await proxy.call(key, path, method="POST", json={"receive_id": "oc_board"})
    assert problem(board) == (403, "path_not_allowed")
    assert problem(await proxy.call(key, path, method="POST", json={"receive_id": "oc_2"})) == (
        202,
        "approval_pending",
    )
    long = await proxy.call(key, path, method="POST", content=b"x" * 2_000_000)
    assert problem(long) == (403, "path_not_allowed")


async def test_audit_log_says_who_asked_and_who_approved(proxy, grant, upstream):
    approval = await carry_out(proxy, await approved(proxy, await ask(proxy)))
    entries = await proxy.database.run(
        lambda: list(AuditEntry.objects.filter(action__startswith="approval.").order_by("pk"))
    )
    assert [(entry.action, entry.actor) for entry in entries] == [
        ("approval.asked", f"api:{approval.caller}"),
        ("approval.approved", "user:ou_asked"),
        ("approval.done", f"api:{approval.caller}"),
    ]
    assert {entry.target for entry in entries} == {f"POST {TASKS}"}
    assert "写周报" not in json.dumps([entry.detail for entry in entries], ensure_ascii=False)
