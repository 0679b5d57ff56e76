"""APIs that the sandbox does not imitate: said as such, counted, and answered from a can when somebody fills one."""

import asyncio

import pytest

from feishu.api_list import FILE
from tests.sandbox.conftest import APP_ID, OTHER_APP_ID, Platform
from tests.sandbox.sdk_apis import apis_of_the_sdk, key
from tests.sandbox.test_user_identity import user_token

TABLES = "/open-apis/bitable/v1/apps/:app_token/tables"


async def call(platform: Platform, method: str, path: str, **options):
    return await platform.api(method, path.removeprefix("/open-apis/"), **options)


async def put(platform: Platform, expected: int = 200, **answer):
    return await platform.control(
        "PUT", "answers", {"method": "GET", "path": TABLES, **answer}, status=expected
    )


def test_every_api_of_the_official_sdk_is_in_the_list() -> None:
    known = {key(line) for line in FILE.read_text().splitlines()}
    assert sorted(line for line in apis_of_the_sdk() if key(line) not in known) == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/open-apis/bitable/v1/apps/x/tables"),
        ("POST", "/open-apis/approval/v4/instances"),
        ("POST", "/open-apis/contact/v3/users"),
        ("POST", "/open-apis/im/v1/messages/om_x/push_follow_up"),
        ("POST", "/open-apis/message/v4/batch_send/"),
    ],
)
async def test_existing_api_is_named_as_not_imitated(platform: Platform, method: str, path: str) -> None:
    answer = await call(platform, method, path)
    assert (answer.status_code, answer.json()["code"]) == (501, -501)
    assert f"not in this sandbox: {method} /open-apis/" in answer.json()["msg"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/open-apis/im/v1/mesages", 404, 99991201),
        ("GET", "/open-apis/nothing", 404, 99991201),
        ("PUT", "/open-apis/im/v1/messages", 405, 99991301),
        ("DELETE", "/open-apis/bot/v3/info", 405, 99991301),
    ],
)
async def test_typing_error_and_wrong_method_keep_the_platforms_own_codes(
    platform: Platform, method: str, path: str, status: int, code: int
) -> None:
    answer = await call(platform, method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_misses_are_counted_by_api_and_not_by_its_ids(platform: Platform) -> None:
    for app_token in ("a", "b"):
        await call(platform, "GET", TABLES.replace(":app_token", app_token))
    await call(platform, "GET", "/open-apis/nothing")
    first, second = (await platform.control("GET", "misses"))["misses"]
    assert (first["path"], first["count"], first["exists"], first["app_ids"]) == (TABLES, 2, True, [APP_ID])
    assert (second["path"], second["exists"]) == ("/open-apis/nothing", False)


class TestCannedAnswers:
    async def test_answer_comes_as_it_was_put(self, platform: Platform) -> None:
        body = {"code": 0, "msg": "success", "data": {"items": [{"name": "学生"}]}}
        assert (await put(platform, body=body, headers={"X-Table": "1"}))["exists"] is True
        answer = await call(platform, "GET", TABLES.replace(":app_token", "any"))
        assert (answer.status_code, answer.json(), answer.headers["x-table"]) == (200, body, "1")
        assert answer.headers["x-tt-logid"]
        await put(platform, body=body | {"msg": "other"})
        assert len((await platform.control("GET", "answers"))["answers"]) == 1
        await platform.http.delete("/sandbox/api/answers", params={"path": TABLES})
        assert (await call(platform, "GET", TABLES)).status_code == 501

    async def test_gateway_checks_kind_of_token_scope_and_rate_first(self, platform: Platform) -> None:
        await put(platform, scopes=["bitable:app:readonly"])
        assert (await platform.http.get(TABLES)).json()["code"] == 99991661
        assert (await call(platform, "GET", TABLES)).json()["code"] == 99991672
        await platform.put_app(scopes=["bitable:app:readonly"])
        assert (await call(platform, "GET", TABLES)).json()["code"] == 0
        await platform.control("PUT", "settings", {"rate_limits": True})
        token = await platform.tenant_token()
        answers = await asyncio.gather(*(call(platform, "GET", TABLES, token=token) for _ in range(200)))
        assert 99991400 in [answer.json()["code"] for answer in answers]

    async def test_kind_of_token_follows_the_platforms_list_or_the_answer(self, platform: Platform) -> None:
        mine = {"method": "POST", "path": "/open-apis/authen/v1/none"}
        await platform.control("PUT", "answers", {**mine, "tokens": []})
        assert (await platform.http.post(mine["path"])).json()["code"] == 0
        await put(platform, path="/open-apis/approval/v4/approvals/:code", tokens=["tenant"])
        token = await user_token(platform)
        answer = await call(platform, "GET", "/open-apis/approval/v4/approvals/x", token=token)
        assert answer.json()["code"] == 99991668

    async def test_answer_of_one_app_is_not_for_another(self, platform: Platform) -> None:
        await put(platform, app_id=APP_ID, body={"code": 7})
        assert (await call(platform, "GET", TABLES)).json()["code"] == 7
        foreign = await call(platform, "GET", TABLES, token=await platform.tenant_token(OTHER_APP_ID))
        assert foreign.json()["code"] == -501
        await put(platform, body={"code": 8})
        foreign = await call(platform, "GET", TABLES, token=await platform.tenant_token(OTHER_APP_ID))
        assert foreign.json()["code"] == 8
        assert (await call(platform, "GET", TABLES)).json()["code"] == 7

    async def test_large_answers_and_texts(self, platform: Platform) -> None:
        await put(platform, body={"code": 0}, bytes=300_000)
        answer = await call(platform, "GET", TABLES)
        assert (len(answer.content), answer.json()["code"]) == (300_000, 0)
        await put(platform, text="<html>", headers={"Content-Type": "text/html"}, status=502)
        answer = await call(platform, "GET", TABLES)
        assert (answer.status_code, answer.text, answer.headers["content-type"]) == (
            502,
            "<html>",
            "text/html",
        )

    async def test_imitated_apis_and_odd_paths_are_refused(self, platform: Platform) -> None:
        assert "imitated" in (await put(platform, 409, path="/open-apis/bot/v3/info"))["error"]
        assert (await put(platform, 400, path="/sandbox/api/reset"))["error"]
        assert (await put(platform, 400, status_code=9))["error"]
