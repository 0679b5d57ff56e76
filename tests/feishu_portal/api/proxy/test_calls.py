import asyncio
import json
from datetime import timedelta

import httpx
import pytest
from django.db import DatabaseError
from django.utils import timezone
from starlette.responses import JSONResponse, Response

from auth_sessions.domain import broker
from auth_sessions.enums import RefreshPhase, TokenStatus
from auth_sessions.models import AuthSession, TokenUse, UserToken
from feishu.errors import APIError
from feishu_portal.access.models import ApiClient
from feishu_portal.access.scopes import Scope
from feishu_portal.api.proxy import admission, upload, visit
from tests.factories import make_bot, make_grant
from tests.feishu_portal.api.proxy.conftest import APP_TOKEN, SECRETS, USER_TOKEN

pytestmark = pytest.mark.django_db(transaction=True)

OTHER_TOKEN = "u-the-next-token-of-the-tests"
REJECTED = {"code": 99991677, "msg": "user access token expired"}
OK = {"code": 0, "msg": "success", "data": {}}


async def uses(proxy, count: int = 1) -> list[TokenUse]:
    """What is written down, once the endings are."""
    await proxy.endpoint._desk().endings.write()
    found = await proxy.database.run(lambda: list(TokenUse.objects.order_by("id")))
    assert len(found) == count
    return found


def problem(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    assert not any(secret in response.text for secret in SECRETS)
    return response.status_code, response.json()["code"]


def age(grant, **values):
    """Changes the grant, by default to one that was issued long ago."""
    old = {"authorized_at": timezone.now() - timedelta(hours=1)}
    UserToken.objects.filter(pk=grant.pk).update(**(old | values))


def refresh(grant, token: str = OTHER_TOKEN) -> None:
    row = UserToken.objects.get(pk=grant.pk)
    row.access_token, row.generation = token, row.generation + 1
    row.access_expires_at = timezone.now() + timedelta(hours=2)
    row.save()


@pytest.fixture
def refresher(monkeypatch):
    """Refreshes as soon as it is asked."""
    asked = []
    for module in (admission, broker):
        monkeypatch.setattr(module, "ask_refresh", lambda grant: asked.append(grant.pk) or refresh(grant))
    return asked


# --- as whom


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


# --- what is written down


async def test_call_is_written_down_without_query_and_token(proxy, grant, upstream):
    upstream.will_say({"code": 0, "data": {}}, headers={"X-Tt-Logid": "log-1"})
    await proxy.call(await proxy.key(), proxy.path("/open-apis/im/v1/files/f%20%E6%96%87?secret=1"))
    [use] = await uses(proxy)
    assert (use.client, use.kind, use.open_id, use.generation) == ("system 0", "call", "ou_asked", 1)
    assert (use.method, use.path) == ("GET", "/open-apis/im/v1/files/f%20%E6%96%87")
    assert (use.status, use.code, use.log_id) == (200, 0, "log-1")
    assert use.received_bytes == len(b'{"code":0,"data":{}}')
    assert use.seconds > 0


async def test_call_is_written_down_before_it_is_sent(proxy, grant, upstream):
    seen = []

    async def look(_request) -> Response:
        seen.extend(await proxy.database.run(lambda: list(TokenUse.objects.values_list("status", "path"))))
        return JSONResponse(OK)

    upstream.answer = look
    await proxy.call(await proxy.key(), proxy.path())
    assert seen == [(None, "/open-apis/task/v2/tasks")]


async def test_no_record_no_call(proxy, grant, upstream, monkeypatch):
    def fail(_calls):
        raise DatabaseError("no space left")

    monkeypatch.setattr(visit, "record_calls", fail)
    response = await proxy.call(await proxy.key(), proxy.path())
    assert problem(response) == (503, "database_away")
    assert response.json()["sent"] == "no"
    assert upstream.requests == []


async def test_tokens_reach_neither_log_nor_record_nor_answer(proxy, grant, upstream, caplog, database):
    caplog.set_level(0)
    key = await proxy.key()
    upstream.will_say(REJECTED)
    answers = [await proxy.call(key, proxy.path()), await proxy.call(key, proxy.path(user=""))]
    upstream.url = ""
    text = caplog.text + "".join(f"{answer.text}{answer.headers}" for answer in answers)
    text += str(await database.run(lambda: list(TokenUse.objects.values())))
    assert [secret for secret in (*SECRETS, key) if secret in text] == []


# --- who may not


async def test_callers_without_a_usable_key_are_refused(proxy, grant, upstream):
    expired = await proxy.key(expires_at=timezone.now())
    disabled = await proxy.key(enabled=False)
    for key in (expired, disabled, "fp_wrong_key", ""):
        response = await proxy.call(key, proxy.path())
        assert problem(response) == (401, "caller_unauthenticated")
        assert response.headers["www-authenticate"] == "Bearer"
    assert upstream.requests == []


@pytest.mark.parametrize(("user", "lacking"), [("ou_asked", Scope.PROXY_USER), ("", Scope.PROXY_APP)])
async def test_key_without_the_scope_is_told_which_one(proxy, grant, upstream, user, lacking):
    key = await proxy.key(*(scope for scope in Scope if scope != lacking))
    for bot_path in (proxy.path(user=user), proxy.path(user=user).replace(proxy.bot.app_id, "cli_0")):
        response = await proxy.call(key, bot_path)
        assert problem(response) == (403, "not_permitted")
        assert response.json()["scope"] == lacking
    assert upstream.requests == []


async def test_stranger_cannot_tell_a_bot_from_none(proxy, grant, upstream, database):
    stranger = await proxy.key(bots=(await database.run(make_bot),))
    foreign = await proxy.call(stranger, proxy.path())
    missing = await proxy.call(stranger, proxy.path().replace(proxy.bot.app_id, "cli_0"))
    assert problem(foreign) == (404, "not_found")
    assert foreign.content == missing.content
    assert upstream.requests == []
    await uses(proxy, 0)


async def test_person_of_another_bot_is_nobody(proxy, upstream, database):
    await database.run(lambda: make_grant(make_bot(), access_token=USER_TOKEN))
    response = await proxy.call(await proxy.key(), proxy.path())
    assert problem(response) == (404, "token_not_found")
    assert upstream.requests == []


async def test_disabled_bot_calls_nothing(proxy, grant, upstream, database):
    await database.run(lambda: type(proxy.bot).objects.update(enabled=False))
    assert problem(await proxy.call(await proxy.key(), proxy.path())) == (409, "bot_disabled")


async def test_path_rules_of_the_client_decide(proxy, grant, upstream):
    key = await proxy.key(proxy_paths=["GET /open-apis/task/v2/**", "* /open-apis/im/v1/chats/*"])
    allowed = [("GET", "/open-apis/task/v2/tasks/1"), ("DELETE", "/open-apis/im/v1/chats/oc_1")]
    refused = [
        ("POST", "/open-apis/task/v2/tasks"),
        ("GET", "/open-apis/task/v2"),
        ("GET", "/open-apis/im/v1/chats/oc_1/members"),
        ("GET", "/open-apis/task/v20/tasks"),
    ]
    for method, path in allowed:
        assert (await proxy.call(key, proxy.path(path), method=method)).status_code == 200
    for method, path in refused:
        response = await proxy.call(key, proxy.path(path), method=method)
        assert problem(response) == (403, "path_not_allowed")
    assert len(upstream.requests) == len(allowed)


async def test_same_open_id_in_two_tenants_asks_whose(proxy, grant, upstream, database):
    await database.run(make_grant, proxy.bot, tenant_key="other", access_token=OTHER_TOKEN)
    key = await proxy.key()
    assert problem(await proxy.call(key, proxy.path())) == (409, "tenant_key_required")
    await proxy.call(key, proxy.path(), headers={"feishu-portal-tenant": "other"})
    assert upstream.authorizations == [OTHER_TOKEN]


# --- grants that give nothing


async def test_grant_that_is_over_names_a_link(proxy, grant, upstream, database):
    await database.run(
        age,
        grant,
        access_expires_at=timezone.now(),
        status=TokenStatus.NEEDS_REAUTH,
        phase=RefreshPhase.STOPPED,
    )
    response = await proxy.call(await proxy.key(), proxy.path())
    assert problem(response) == (409, "reauthorization_required")
    assert "/oauth/start/" in response.json()["authorize_url"]
    assert await database.run(AuthSession.objects.count) == 1
    assert upstream.requests == []


async def test_call_waits_for_the_refresh_it_needs(proxy, grant, upstream, database, refresher):
    await database.run(age, grant, access_expires_at=timezone.now())
    response = await proxy.call(await proxy.key(), proxy.path())
    assert response.headers["feishu-portal-generation"] == "2"
    assert upstream.authorizations == [OTHER_TOKEN]


async def test_refresh_that_does_not_come_is_in_progress(proxy, grant, upstream, database):
    await database.run(age, grant, access_expires_at=timezone.now())
    response = await proxy.call(await proxy.key(), proxy.path())
    assert problem(response) == (503, "refresh_in_progress")
    assert response.headers["retry-after"]
    assert upstream.requests == []


async def test_token_that_ends_soon_is_used_where_its_refresh_fails(proxy, grant, upstream, database):
    await database.run(
        age, grant, access_expires_at=timezone.now() + timedelta(seconds=300), phase=RefreshPhase.UNCERTAIN
    )
    assert (await proxy.call(await proxy.key(), proxy.path())).status_code == 200


@pytest.mark.parametrize("person", ["ou_asked", "ou_nobody"])
async def test_bot_steps_in_where_the_caller_allows_it(proxy, grant, upstream, database, person):
    await database.run(age, grant, access_expires_at=timezone.now(), refresh_token="")
    headers = {"feishu-portal-fallback": "app"}
    response = await proxy.call(await proxy.key(), proxy.path(user=person), headers=headers)
    assert response.headers["feishu-portal-identity"] == "app"
    assert upstream.authorizations == [APP_TOKEN]
    [use] = await uses(proxy)
    assert (use.open_id, use.generation) == ("", None)
    alone = await proxy.key(Scope.PROXY_USER)
    assert problem(await proxy.call(alone, proxy.path(), headers=headers)) == (403, "not_permitted")


# --- rejected tokens


async def test_rejected_token_is_refreshed_and_the_call_sent_once_more(
    proxy, grant, upstream, database, refresher
):
    await database.run(age, grant)
    upstream.will_say(REJECTED, {"code": 0, "data": {"n": 2}})
    response = await proxy.call(await proxy.key(), proxy.path(), method="POST", content=b'{"a":1}')
    assert (response.status_code, response.json()["data"]) == (200, {"n": 2})
    assert response.headers["feishu-portal-replay"] == "done"
    assert upstream.authorizations == [USER_TOKEN, OTHER_TOKEN]
    assert upstream.bodies == [b'{"a":1}', b'{"a":1}']
    first, second = await uses(proxy, 2)
    assert (first.code, first.generation, second.code, second.generation) == (99991677, 1, 0, 2)


@pytest.mark.parametrize("status", [200, 400, 401])
async def test_rejection_counts_under_any_status(proxy, grant, upstream, database, refresher, status):
    await database.run(age, grant)

    async def answer(_request) -> Response:
        return JSONResponse(
            REJECTED if len(upstream.requests) == 1 else OK, status if len(upstream.requests) == 1 else 200
        )

    upstream.answer = answer
    assert (await proxy.call(await proxy.key(), proxy.path())).json() == OK


async def test_token_that_somebody_refreshed_meanwhile_needs_no_refresh(proxy, grant, upstream, database):
    await database.run(age, grant)

    async def answer(_request) -> Response:
        if len(upstream.requests) > 1:
            return JSONResponse(OK)
        await database.run(refresh, grant)
        return JSONResponse(REJECTED, 400)

    upstream.answer = answer
    assert (await proxy.call(await proxy.key(), proxy.path())).json() == OK
    assert upstream.authorizations == [USER_TOKEN, OTHER_TOKEN]


async def test_second_rejection_is_the_answer(proxy, grant, upstream, database, refresher):
    await database.run(age, grant)
    upstream.will_say(REJECTED)
    response = await proxy.call(await proxy.key(), proxy.path())
    assert response.json() == REJECTED
    assert (len(upstream.requests), len(refresher)) == (2, 1)


async def test_token_just_issued_is_not_refreshed_for_a_rejection(proxy, grant, upstream, refresher):
    upstream.will_say(REJECTED)
    response = await proxy.call(await proxy.key(), proxy.path())
    assert response.headers["feishu-portal-replay"] == "no-other-token"
    assert (len(upstream.requests), refresher) == (1, [])


async def test_api_that_takes_no_user_is_no_reason_to_refresh(proxy, grant, upstream, database, refresher):
    await database.run(age, grant)
    upstream.will_say({"code": 99991668, "msg": "user access token not support"})
    response = await proxy.call(await proxy.key(), proxy.path())
    assert response.json()["code"] == 99991668
    assert (len(upstream.requests), refresher) == (1, [])


@pytest.mark.parametrize("code", [99991672, 99991400, 99992402, 2320001])
async def test_other_refusals_are_passed_on_and_refresh_nothing(
    proxy, grant, upstream, database, refresher, code
):
    await database.run(age, grant)
    upstream.will_say({"code": code, "msg": "no"})
    assert (await proxy.call(await proxy.key(), proxy.path())).json() == {"code": code, "msg": "no"}
    assert (len(upstream.requests), refresher) == (1, [])


async def test_call_with_a_long_body_is_not_repeated_and_says_so(
    proxy, grant, upstream, database, refresher, monkeypatch
):
    monkeypatch.setattr(upload, "KEPT", 10)
    await database.run(age, grant)
    upstream.will_say(REJECTED)
    response = await proxy.call(await proxy.key(), proxy.path(), method="POST", content=b"x" * 11)
    assert response.headers["feishu-portal-replay"] == "body-too-large"
    assert (len(upstream.requests), refresher) == (1, [])


async def test_rejected_bot_token_is_fetched_anew_once(proxy, upstream):
    upstream.app_tokens = ["t-revoked-early", APP_TOKEN]
    upstream.will_say({"code": 99991663, "msg": "invalid"}, OK)
    response = await proxy.call(await proxy.key(), proxy.path(user=""))
    assert (response.json(), response.headers["feishu-portal-replay"]) == (OK, "done")
    assert upstream.authorizations == ["t-revoked-early", APP_TOKEN]


async def test_key_that_is_revoked_during_the_call_sends_no_second_one(proxy, upstream, database):
    upstream.app_tokens = ["t-revoked-early", APP_TOKEN]

    async def answer(_request) -> Response:
        await database.run(lambda: ApiClient.objects.update(enabled=False))
        return JSONResponse({"code": 99991663, "msg": "invalid"}, 400)

    upstream.answer = answer
    response = await proxy.call(await proxy.key(), proxy.path(user=""))
    assert problem(response) == (401, "caller_unauthenticated")
    assert len(upstream.requests) == 1
    [use] = await uses(proxy)
    assert (use.status, use.code) == (400, 99991663)


async def test_api_that_rejects_the_bots_token_every_time_costs_one_fetch(proxy, upstream):
    upstream.will_say({"code": 99991663, "msg": "invalid"})
    key = await proxy.key()
    for _ in range(3):
        response = await proxy.call(key, proxy.path(user=""))
        assert response.headers["feishu-portal-replay"] == "no-other-token"
    assert (upstream.token_calls, len(upstream.requests)) == (2, 3)


# --- what the platform says besides


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
    await database.run(lambda: type(proxy.bot).objects.update(**nowhere))
    response = await proxy.call(await proxy.key(), proxy.path())
    assert problem(response) == (502, "upstream_failed")
    assert response.json()["sent"] == "no"
    [use] = await uses(proxy)
    assert use.status is None
    assert use.seconds is not None


async def test_bot_whose_secret_is_wrong_is_the_operators_business(proxy, upstream, endpoint, monkeypatch):
    async def refuse(_credentials):
        raise APIError("app secret invalid", code=10014)

    monkeypatch.setattr(endpoint._desk().app_tokens, "get", refuse)
    response = await proxy.call(await proxy.key(), proxy.path(user=""))
    assert problem(response) == (424, "app_misconfigured")
    assert response.json()["platform_code"] == 10014


# --- limits


async def test_caller_has_so_many_calls_under_way_and_no_more(proxy, grant, upstream, settings):
    settings.PROXY_CLIENT_CALLS = 2
    go = asyncio.Event()

    async def wait(_request) -> Response:
        await go.wait()
        return JSONResponse(OK)

    upstream.answer = wait
    key, other = await proxy.key(), await proxy.key()
    calls = [asyncio.create_task(proxy.call(key, proxy.path())) for _ in range(2)]
    async with asyncio.timeout(20):
        while len(upstream.requests) < 2:
            await asyncio.sleep(0.01)
    refused = await proxy.call(key, proxy.path())
    assert problem(refused) == (429, "too_many_calls")
    others = asyncio.create_task(proxy.call(other, proxy.path()))
    go.set()
    assert {response.status_code for response in await asyncio.gather(*calls, others)} == {200}


async def test_portal_relays_so_many_calls_and_no_more(proxy, grant, settings):
    settings.PROXY_CALLS = 0
    assert problem(await proxy.call(await proxy.key(), proxy.path())) == (503, "overloaded")


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
