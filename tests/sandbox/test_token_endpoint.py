"""`/oauth/v3/token`, v2, revocation, device codes, user_info: over HTTP."""

import asyncio
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import pytest

from tests.sandbox.conftest import OTHER_APP_ID, REDIRECT, Platform

V3, V2 = "/oauth/v3/token", "/open-apis/authen/v2/oauth/token"
SCOPES = "offline_access auth:user.id:read"


async def consent(platform: Platform, *, scope: str = SCOPES, person: str = "lilei", **query: str) -> str:
    """A fresh code."""
    asked = {
        "client_id": platform.app_id,
        "redirect_uri": REDIRECT,
        "scope": scope,
        "response_type": "code",
        **query,
    }
    url = f"{platform.url}/open-apis/authen/v1/authorize?{urlencode(asked)}"
    answer = await platform.control("POST", "authorize", {"url": url, "person": person})
    return dict(parse_qsl(urlsplit(answer["redirect"]).query))["code"]


async def ask(
    platform: Platform, grant_type: str, *, path: str = V3, form: bool = False, **body: Any
) -> httpx2.Response:
    whole = {"grant_type": grant_type, "client_id": platform.app_id, "client_secret": platform.secret, **body}
    whole = {key: value for key, value in whole.items() if value is not None}
    return await (platform.http.post(path, data=whole) if form else platform.http.post(path, json=whole))


async def tokens(platform: Platform, **wish: Any) -> dict[str, Any]:
    return (await ask(platform, "authorization_code", code=await consent(platform, **wish))).json()


async def user_info(platform: Platform, token: str) -> httpx2.Response:
    return await platform.api("GET", "authen/v1/user_info", token=token)


@pytest.mark.parametrize("path", [V3, V2])
@pytest.mark.parametrize("form", [True, False], ids=["form", "json"])
async def test_code_becomes_a_flat_answer_without_msg(platform: Platform, path: str, form: bool) -> None:  # noqa: FBT001 -- a parameter
    code = await consent(platform)
    answer = await ask(platform, "authorization_code", path=path, form=form, code=code, redirect_uri=REDIRECT)
    body = answer.json()
    assert answer.headers["X-Tt-Logid"]
    assert set(body) == {
        "code",
        "access_token",
        "expires_in",
        "refresh_token",
        "refresh_token_expires_in",
        "token_type",
        "scope",
    }
    assert (body["code"], body["expires_in"], body["refresh_token_expires_in"]) == (0, 7200, 604800)
    assert (body["token_type"], body["scope"]) == ("Bearer", SCOPES)


async def test_lifetimes_are_the_apps(platform: Platform) -> None:
    await platform.put_app(access_token_lifetime=60, refresh_token_lifetime=600)
    body = await tokens(platform)
    assert (body["expires_in"], body["refresh_token_expires_in"]) == (60, 600)


@pytest.mark.parametrize(
    ("body", "code", "error"),
    [
        ({"client_secret": "wrong"}, 20002, "invalid_client"),
        ({"client_id": "cli_00000000000000ff"}, 20048, "invalid_client"),
        ({"client_id": None}, 20001, "invalid_request"),
        ({"grant_type": "password"}, 20036, "unsupported_grant_type"),
        ({"code": None}, 20001, "invalid_request"),
        ({"code": "unknown"}, 20003, "invalid_grant"),
    ],
)
async def test_refusals_have_code_error_and_description(
    platform: Platform, body: dict[str, Any], code: int, error: str
) -> None:
    whole = {"grant_type": "authorization_code", "code": "x", **body}
    answer = await ask(platform, **whole)
    assert answer.status_code == 400
    assert (answer.json()["code"], answer.json()["error"]) == (code, error)
    assert answer.json()["error_description"]


async def test_malformed_body_and_two_kinds_of_authentication_are_refused(platform: Platform) -> None:
    headers = {"Content-Type": "application/json"}
    assert (await platform.http.post(V3, content=b"{", headers=headers)).json()["code"] == 20063
    basic = (platform.app_id, platform.secret)
    body = {"grant_type": "client_credentials"}
    both = {**body, "client_secret": platform.secret}
    assert (await platform.http.post(V3, json=both, auth=basic)).json()["code"] == 20070
    assert (await platform.http.post(V3, json=body, auth=basic)).json()["access_token"].startswith("t-")


async def test_refresh_rotates_and_a_replay_is_in_the_books(platform: Platform) -> None:
    first = await tokens(platform)
    second = (await ask(platform, "refresh_token", refresh_token=first["refresh_token"])).json()
    assert second["code"] == 0
    replay = await ask(platform, "refresh_token", refresh_token=first["refresh_token"])
    assert (replay.status_code, replay.json()["code"]) == (400, 20073)
    books = await platform.books()
    assert books["refresh_counts"] == {"issued": 2, "submissions": 2, "replays": 1}
    for token in (first, second):
        assert (await user_info(platform, token["access_token"])).json()["code"] == 0


async def test_user_info_shows_what_the_scopes_allow(platform: Platform) -> None:
    plain = await tokens(platform, scope="auth:user.id:read")
    about = (await user_info(platform, plain["access_token"])).json()["data"]
    assert (about["open_id"], about["name"], about["en_name"]) == (platform.open_id(), "李雷", "Li Lei")
    assert {"email", "user_id"} & set(about) == set()
    more = await tokens(platform, scope="contact:user.email:readonly contact:user.employee_id:readonly")
    about = (await user_info(platform, more["access_token"])).json()["data"]
    assert (about["email"], about["user_id"]) == ("lilei@example.test", "lilei")


async def test_user_tokens_expire_and_are_not_for_every_api(platform: Platform) -> None:
    token = (await tokens(platform))["access_token"]
    assert (await platform.api("GET", "bot/v3/info", token=token)).json()["code"] == 99991668
    await platform.control("POST", "expire", {"kinds": ["access"], "person": "wangfang"})
    assert (await user_info(platform, token)).json()["code"] == 0
    await platform.control("POST", "expire", {"kinds": ["access"], "person": "lilei"})
    answer = await user_info(platform, token)
    assert (answer.status_code, answer.json()["code"]) == (401, 99991677)
    assert (await user_info(platform, await platform.tenant_token())).json()["code"] == 99991663


async def test_scope_that_the_user_did_not_grant_is_named(platform: Platform) -> None:
    token = (await tokens(platform))["access_token"]
    answer = (await platform.api("GET", f"contact/v3/users/{platform.open_id()}", token=token)).json()
    assert answer["code"] == 99991679
    violations = answer["error"]["permission_violations"]
    assert violations[0]["type"] == "action_privilege_required"
    assert "contact:user.base:readonly" in [violation["subject"] for violation in violations]


async def test_people_who_left_are_told_with_http_200(platform: Platform) -> None:
    token = (await tokens(platform))["access_token"]
    for status, code in [("resigned", 20021), ("frozen", 20022)]:
        await platform.control("POST", "people", {"id": "lilei", "name": "李雷", "status": status})
        answer = await user_info(platform, token)
        assert (answer.status_code, answer.json()["code"]) == (200, code)


async def test_revocation_answers_nothing_ends_both_tokens_and_raises_its_event(platform: Platform) -> None:
    body = await tokens(platform)
    form = {
        "client_id": platform.app_id,
        "client_secret": platform.secret,
        "token": body["refresh_token"],
        "token_type_hint": "refresh_token",
    }
    answer = await platform.http.post("/oauth/v1/revoke", data=form)
    assert (answer.status_code, answer.content) == (200, b"")
    assert (await user_info(platform, body["access_token"])).json()["code"] == 99991668
    again = await ask(platform, "refresh_token", refresh_token=body["refresh_token"])
    assert again.json()["code"] == 20064
    events = (await platform.books())["events"]
    assert [event["event_type"] for event in events] == ["auth.user_access_token.revoked_v4"]
    wrong = await platform.http.post("/oauth/v1/revoke", data={**form, "client_secret": "wrong"})
    assert wrong.json()["code"] == 20002


async def test_another_app_revokes_nothing(platform: Platform) -> None:
    body = await tokens(platform)
    form = {"client_id": OTHER_APP_ID, "client_secret": platform.secret, "token": body["refresh_token"]}
    assert (await platform.http.post("/oauth/v1/revoke", data=form)).status_code == 200
    assert (await user_info(platform, body["access_token"])).json()["code"] == 0


async def test_device_flow_from_code_to_token(platform: Platform) -> None:
    await platform.put_app(device_interval=0)
    form = {"client_id": platform.app_id, "scope": SCOPES}
    auth = (platform.app_id, platform.secret)
    started = (await platform.http.post("/oauth/v1/device_authorization", data=form, auth=auth)).json()
    assert started["verification_uri_complete"].endswith(f"?user_code={started['user_code']}")
    assert (started["expires_in"], started["interval"]) == (240, 0)
    poll = {"device_code": started["device_code"], "form": True}
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    pending = await ask(platform, grant, **poll)
    assert (pending.status_code, pending.json()["error"], "code" in pending.json()) == (
        400,
        "authorization_pending",
        False,
    )
    page = await platform.http.get(started["verification_uri_complete"])
    assert started["user_code"] in page.text
    await platform.control("POST", "device", {"user_code": started["user_code"], "person": "wangfang"})
    body = (await ask(platform, grant, **poll)).json()
    assert body["scope"] == SCOPES
    assert (await user_info(platform, body["access_token"])).json()["data"]["name"] == "王芳"
    assert (await ask(platform, grant, **poll)).json()["error"] == "invalid_grant"


async def test_device_flow_refuses_scopes_that_the_app_has_not(platform: Platform) -> None:
    form = {"client_id": platform.app_id, "scope": "docx:document"}
    auth = (platform.app_id, platform.secret)
    answer = await platform.http.post("/oauth/v1/device_authorization", data=form, auth=auth)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


async def test_token_endpoint_is_limited_to_fifty_calls_a_second(platform: Platform) -> None:
    await platform.control("PUT", "settings", {"rate_limits": True})
    answers = [await ask(platform, "refresh_token", refresh_token="x") for _ in range(51)]
    assert [answer.json()["code"] for answer in answers] == [20026] * 50 + [99991400]
    assert (answers[-1].status_code, answers[-1].headers["x-ogw-ratelimit-reset"]) == (429, "1")


class TestFaults:
    @pytest.fixture
    def platform(self, served: Platform) -> Platform:
        return served

    async def broken(self, platform: Platform, **fault: Any) -> None:
        await platform.control("PUT", "faults", {"token": fault}, app_id=platform.app_id)

    async def test_code_status_and_latency_are_as_told(self, platform: Platform) -> None:
        token = (await tokens(platform))["refresh_token"]
        await self.broken(platform, code=20050, http_status=500, latency=0.2, times=1)
        started = asyncio.get_running_loop().time()
        answer = await ask(platform, "refresh_token", refresh_token=token)
        assert asyncio.get_running_loop().time() - started >= 0.2
        assert (answer.status_code, answer.json()["code"], answer.json()["error"]) == (
            500,
            20050,
            "server_error",
        )
        assert (await ask(platform, "refresh_token", refresh_token=token)).json()["code"] == 0

    async def test_line_cut_before_leaves_the_token_unspent(self, platform: Platform) -> None:
        token = (await tokens(platform))["refresh_token"]
        await self.broken(platform, drop="before", times=1)
        with pytest.raises(httpx2.TransportError):
            await ask(platform, "refresh_token", refresh_token=token)
        assert (await ask(platform, "refresh_token", refresh_token=token)).json()["code"] == 0

    async def test_line_cut_after_has_spent_the_token(self, platform: Platform) -> None:
        token = (await tokens(platform))["refresh_token"]
        await self.broken(platform, drop="after", times=1)
        with pytest.raises(httpx2.TransportError):
            await ask(platform, "refresh_token", refresh_token=token)
        assert (await ask(platform, "refresh_token", refresh_token=token)).json()["code"] == 20073
        assert (await platform.books())["refresh_counts"]["replays"] == 1


async def test_official_python_client_needs_no_secret_for_a_device_code(platform: Platform) -> None:
    path = "/open-apis/authen/v2/oauth/device_authorization"
    body = {"client_id": platform.app_id, "scope": "auth:user.id:read"}
    assert (await platform.http.post(path, json=body)).json()["device_code"]
    assert (await platform.http.post(path, json={"client_id": "cli_x"})).json()["code"] == 20048
    wrong = await platform.http.post(path, json={**body, "client_secret": "wrong"})
    assert wrong.json()["code"] == 20002
    bare = await platform.http.post("/oauth/v1/device_authorization", json=body)
    assert bare.json()["code"] == 20001
