"""Tokens of the app itself, and what the gateway says about wrong ones."""

import pytest

from sandbox.world.tenant_tokens import TenantTokens
from tests.sandbox.conftest import OTHER_APP_ID, Platform, app_config

PATH = "/open-apis/auth/v3/tenant_access_token/internal"


def test_same_token_while_half_an_hour_is_left_and_a_second_one_after() -> None:
    tokens, app = TenantTokens(), app_config()
    first = tokens.issue(app, 0.0)
    assert tokens.issue(app, 5400.0) is first
    second = tokens.issue(app, 5401.0)
    assert second is not first
    assert tokens.find(first.value) is first
    assert (first.expires_at, second.expires_at) == (7200.0, 12601.0)


def test_tokens_of_two_apps_differ() -> None:
    tokens = TenantTokens()
    assert tokens.issue(app_config(), 0.0) is not tokens.issue(app_config(app_id=OTHER_APP_ID), 0.0)


async def test_answer_is_flat_and_the_app_token_is_the_same_string(platform: Platform) -> None:
    body = {"app_id": platform.app_id, "app_secret": platform.secret}
    tenant = (await platform.http.post(PATH, json=body)).json()
    assert set(tenant) == {"code", "msg", "tenant_access_token", "expire"}
    assert tenant["tenant_access_token"].startswith("t-")
    assert 7190 <= tenant["expire"] <= 7200
    app = (await platform.http.post(PATH.replace("tenant_", "app_"), json=body)).json()
    assert app["app_access_token"] == app["tenant_access_token"] == tenant["tenant_access_token"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"app_id": "cli_0123456789abcdef", "app_secret": "wrong"}, 10015),
        ({"app_id": "cli_00000000000000ff", "app_secret": "x"}, 10003),
        ({"app_id": "cli_0123456789abcdef"}, 10003),
    ],
)
async def test_wrong_credentials_are_a_code_in_an_ordinary_answer(
    platform: Platform, body: dict, code: int
) -> None:
    answer = await platform.http.post(PATH, json=body)
    assert (answer.status_code, answer.json()["code"]) == (200, code)


@pytest.mark.parametrize(
    ("header", "code", "status"),
    [
        (None, 99991661, 400),
        ("Bearer t-unknown", 99991663, 400),
        ("Bearer u-unknown", 99991668, 401),
        ("Bearer eyJhbGciOi.x.y", 99991668, 401),
        ("Bearer nonsense", 99991671, 400),
        ("Basic abc", 99991661, 400),
    ],
)
async def test_gateway_names_what_is_wrong_with_a_token(
    platform: Platform, header: str | None, code: int, status: int
) -> None:
    headers = {"Authorization": header} if header else {}
    answer = await platform.http.get("/open-apis/bot/v3/info", headers=headers)
    assert (answer.json()["code"], answer.status_code) == (code, status)
    assert answer.json()["error"]["log_id"] == answer.headers["X-Tt-Logid"]


async def test_expired_token_is_refused_and_the_next_one_is_new(platform: Platform) -> None:
    old = await platform.tenant_token()
    assert (await platform.control("POST", "expire", {"kinds": ["tenant"]}))["expired"] == 1
    assert (await platform.api("GET", "bot/v3/info", token=old)).json()["code"] == 99991663
    fresh = await platform.tenant_token()
    assert fresh != old
    assert (await platform.api("GET", "bot/v3/info", token=fresh)).json()["code"] == 0


async def test_missing_scope_of_the_app_is_named(platform: Platform) -> None:
    await platform.put_app(scopes=["offline_access"])
    answer = await platform.send('{"text": "hi"}')
    assert answer.json()["code"] == 99991672
    assert answer.json()["error"]["permission_violations"][0]["subject"] == "im:message"


async def test_unknown_path_and_wrong_method_have_their_codes(platform: Platform) -> None:
    missing = await platform.api("GET", "nothing/v1/here")
    assert (missing.status_code, missing.json()["code"]) == (404, 99991201)
    wrong = await platform.api("POST", "bot/v3/info")
    assert (wrong.status_code, wrong.json()["code"]) == (405, 99991301)


@pytest.mark.parametrize("kind", ["tenant", "app"])
async def test_slash_and_form_are_taken_as_well(platform: Platform, kind: str) -> None:
    body = {"app_id": platform.app_id, "app_secret": platform.secret}
    path = f"/open-apis/auth/v3/{kind}_access_token/internal/"
    assert (await platform.http.post(path, json=body)).json()["code"] == 0
    assert (await platform.http.post(path, data=body)).json()["code"] == 0
    assert (await platform.http.post(path, content=b"{")).json()["code"] == 10003
