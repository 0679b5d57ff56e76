import pytest
from starlette.responses import Response

from feishu.errors import APIError
from tests.factories import move_bot
from tests.feishu_portal.api.proxy.outcomes import OK, problem, uses

pytestmark = pytest.mark.django_db(transaction=True)


async def test_missing_scope_is_named_with_where_to_ask(proxy, grant, upstream, database, refresher):
    violations = [{"type": "action_privilege_required", "subject": "task:task:read"}]
    body = {"code": 99991679, "msg": "Unauthorized.", "error": {"permission_violations": violations}}
    upstream.will_say(body)
    response = await proxy.call(await proxy.key(), proxy.path())
    assert (response.status_code, response.json()) == (400, body)
    assert response.headers["feishu-portal-missing-scopes"] == "task:task:read"
    assert f"/api/v1/bots/{proxy.bot.app_id}/auth-sessions" in response.headers["link"]
    assert refresher == []


@pytest.mark.parametrize("status", [429, 400])
async def test_rate_limit_is_passed_on_and_honoured(proxy, grant, upstream, status):
    headers = {"x-ogw-ratelimit-reset": "7", "x-ogw-ratelimit-limit": "100"}
    upstream.will_say({"code": 99991400, "msg": "frequency limit"}, status=status, headers=headers)
    key = await proxy.key()
    limited = await proxy.call(key, proxy.path("/open-apis/task/v2/tasks/e1234567"))
    assert (limited.status_code, limited.headers["retry-after"]) == (status, "7")
    again = await proxy.call(key, proxy.path("/open-apis/task/v2/tasks/f7654321"))
    assert problem(again) == (429, "rate_limited")
    assert 0 < int(again.headers["retry-after"]) <= 8
    upstream.will_say(OK)
    assert (await proxy.call(key, proxy.path("/open-apis/task/v2/sections"))).status_code == 200
    assert len(upstream.requests) == 2


async def test_platform_that_cannot_be_reached_was_sent_nothing(proxy, grant, database, upstream):
    nowhere = {"open_url": "http://127.0.0.1:9", "accounts_url": "http://127.0.0.1:9"}
    await database.run(lambda: move_bot(proxy.bot, **nowhere))
    response = await proxy.call(await proxy.key(), proxy.path())
    assert problem(response) == (502, "upstream_failed")
    assert response.json()["sent"] == "no"
    [use] = await uses(proxy)
    assert use.status is None
    assert use.seconds is not None


async def test_bot_whose_secret_is_wrong_is_the_operators_business(proxy, upstream, endpoint, monkeypatch):
    async def refuse(_credentials):
        raise APIError("app secret invalid", code=10014)

    monkeypatch.setattr((await endpoint.servers.current()).app_tokens, "get", refuse)
    response = await proxy.call(await proxy.key(), proxy.path(user=""))
    assert problem(response) == (424, "app_misconfigured")
    assert response.json()["platform_code"] == 10014


async def test_chat_that_had_enough_holds_up_no_other(proxy, upstream):
    key, path = await proxy.key(), proxy.path("/open-apis/im/v1/messages", user="")
    upstream.will_say(
        {"code": 230020, "msg": "chat rate limit"},
        {"code": 0, "data": {}},
        headers={"x-ogw-ratelimit-reset": "30"},
    )
    limited = await proxy.call(key, path, method="POST", json={"receive_id": "oc_a"})
    assert (limited.json()["code"], limited.headers["retry-after"]) == (230020, "30")
    assert (await proxy.call(key, path, method="POST", json={"receive_id": "oc_b"})).status_code == 200


async def test_message_that_had_enough_holds_up_itself_alone(proxy, upstream):
    key = await proxy.key()
    upstream.will_say(
        {"code": 230020, "msg": "rate limit"},
        {"code": 0, "data": {}},
        headers={"x-ogw-ratelimit-reset": "30"},
    )
    one, other = (proxy.path(f"/open-apis/im/v1/messages/om_{name}2345678/reply", user="") for name in "ab")
    await proxy.call(key, one, method="POST", json={})
    assert problem(await proxy.call(key, one, method="POST", json={})) == (429, "rate_limited")
    assert (await proxy.call(key, other, method="POST", json={})).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 20_000,
        b'{"code":' + b'{"a":' * 9_000,
        b'{"code":99991679,"error":{"permission_violations":' + b"[" * 20_000 + b"]" * 20_000 + b"}}",
        b'{"code":"\xff"}',
    ],
)
async def test_answer_that_nobody_can_read_is_passed_on_as_it_is(proxy, upstream, body):
    async def answer(_request):
        return Response(body, 404, media_type="application/json")

    upstream.answer = answer
    response = await proxy.call(await proxy.key(), proxy.path(user=""))
    assert (response.status_code, response.content) == (404, body)
