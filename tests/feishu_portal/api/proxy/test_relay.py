import asyncio
import json

import pytest
from starlette.responses import Response

from core.access.scopes import Scope
from tests.feishu_portal.api.proxy.tokens import APP_TOKEN, USER_TOKEN

pytestmark = pytest.mark.django_db(transaction=True)


async def test_call_for_a_user_carries_the_users_token(proxy, grant, upstream):
    upstream.will_say(
        {"code": 0, "data": {"items": []}}, headers={"X-Tt-Logid": "log-1", "Set-Cookie": "a=b"}
    )
    path = proxy.path("/open-apis/task/v2/tasks?page_size=10&q=%E4%BB%BB%E5%8A%A1")
    response = await proxy.call(await proxy.key(Scope.PROXY_USER), path)
    assert (response.status_code, response.json()) == (200, {"code": 0, "data": {"items": []}})
    assert response.headers["feishu-portal-identity"] == "user"
    assert response.headers["feishu-portal-generation"] == "1"
    assert response.headers["x-tt-logid"] == "log-1"
    assert "set-cookie" not in response.headers
    assert upstream.authorizations == [USER_TOKEN]
    assert str(upstream.requests[0].url) == (
        f"{upstream.url}/open-apis/task/v2/tasks?page_size=10&q=%E4%BB%BB%E5%8A%A1"
    )


async def test_call_for_the_bot_carries_the_bots_token_and_asks_for_it_once(proxy, upstream):
    key = await proxy.key(Scope.PROXY_APP)
    responses = await asyncio.gather(*(proxy.call(key, proxy.path(user="")) for _ in range(5)))
    assert {response.headers["feishu-portal-identity"] for response in responses} == {"app"}
    assert set(upstream.authorizations) == {APP_TOKEN}
    assert upstream.token_calls == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_body_arrives_as_it_was_sent(proxy, grant, upstream, method):
    body = json.dumps({"summary": "任务"}).encode()
    headers = {"content-type": "application/json; charset=utf-8"}
    key = await proxy.key()
    response = await proxy.call(key, proxy.path(), method=method, content=body, headers=headers)
    assert response.status_code == 200
    [request] = upstream.requests
    assert (request.method, upstream.bodies) == (method, [body])
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert request.headers["content-length"] == str(len(body))


async def test_only_harmless_headers_pass(proxy, grant, upstream):
    headers = {
        "cookie": "session=secret",
        "host": "evil.test",
        "x-forwarded-for": "10.0.0.1",
        "forwarded": "for=10.0.0.1",
        "proxy-authorization": "Basic eA==",
        "connection": "keep-alive, x-custom",
        "x-custom": "1",
        "range": "bytes=0-9",
        "prefer": "resolution=merge-duplicates",
    }
    await proxy.call(await proxy.key(), proxy.path(), headers=headers)
    [request] = upstream.requests
    assert upstream.url.endswith(request.headers["host"])
    assert (request.headers["range"], request.headers["prefer"]) == (
        "bytes=0-9",
        "resolution=merge-duplicates",
    )
    for name in ("cookie", "x-forwarded-for", "forwarded", "proxy-authorization", "x-custom"):
        assert name not in request.headers


async def test_answer_cannot_pass_for_a_page_of_the_portal(proxy, grant, upstream):
    async def page(_request) -> Response:
        return Response("<script>alert(1)</script>", media_type="text/html")

    upstream.answer = page
    response = await proxy.call(await proxy.key(), proxy.path())
    assert response.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"


async def test_redirect_is_not_followed_and_not_followable(proxy, grant, upstream):
    async def elsewhere(_request) -> Response:
        return Response(status_code=302, headers={"location": "http://169.254.169.254/"})

    upstream.answer = elsewhere
    response = await proxy.call(await proxy.key(), proxy.path())
    assert (response.status_code, len(upstream.requests)) == (302, 1)
    assert "location" not in response.headers
    assert response.headers["feishu-portal-location"] == "http://169.254.169.254/"


async def test_head_has_the_headers_alone(proxy, grant, upstream):
    response = await proxy.call(await proxy.key(), proxy.path(), method="HEAD")
    assert (response.status_code, response.content) == (200, b"")
    assert upstream.requests[0].method == "HEAD"


async def test_json_within_json_passes_as_it_is_both_ways(proxy, grant, upstream):
    rows = '[{"name":"\\"安\\"","big":1789012345678901234}]'
    upstream.will_say({"code": 0, "msg": "success", "data": {"record_ids": ["r1"], "items": rows}})
    path = "/open-apis/apaas/v1/workspaces/w_1/tables/student/records?columns=name,big&filter=age%3Dgt.10"
    sent = json.dumps({"records": rows}).encode()
    headers = {"content-type": "application/json; charset=utf-8", "prefer": "resolution=merge-duplicates"}
    response = await proxy.call(
        await proxy.key(), proxy.path(path), method="POST", content=sent, headers=headers
    )
    assert response.json()["data"] == {"record_ids": ["r1"], "items": rows}
    assert upstream.bodies == [sent]
    [request] = upstream.requests
    assert str(request.url) == f"{upstream.url}{path}"
    assert request.headers["prefer"] == "resolution=merge-duplicates"
    assert upstream.authorizations == [USER_TOKEN]
