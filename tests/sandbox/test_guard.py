"""The control API: for programs of this machine and the sandbox's own pages, not for a page of a foreign site."""

import json

import pytest

from sandbox.config import SandboxConfig
from sandbox.guard import Guard
from tests.sandbox.conftest import APP_ID, Platform

SAY = {"person": "lilei", "app_id": APP_ID, "text": "hi"}


async def post(
    platform: Platform, *, content_type: str = "application/json", path: str = "say", **headers: str
):
    content = json.dumps(SAY).encode() if path == "say" else b""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return await platform.http.post(
        f"/sandbox/api/{path}", content=content, headers={"Content-Type": content_type, **given}
    )


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:9800", 200),
        ("127.8.9.10", 200),
        ("localhost:9800", 200),
        ("LOCALHOST.", 200),
        ("feishu.localhost:1", 200),
        ("[::1]:9800", 200),
        ("evil.example", 421),
        ("localhost.evil.example:9800", 421),
        ("127.0.0.1.evil.example", 421),
        ("192.0.2.1", 421),
        ("[::1", 421),
        ("", 421),
    ],
)
async def test_host_has_to_be_of_this_machine(platform: Platform, host: str, status: int) -> None:
    assert (await platform.http.get("/sandbox/api/apps", headers={"Host": host})).status_code == status
    assert (await post(platform, host=host)).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://127.0.0.1:9800"}, 200),
        ({"origin": "http://127.0.0.1:9800", "sec_fetch_site": "same-origin"}, 200),
        ({"origin": "null", "sec_fetch_site": "same-origin"}, 200),
        ({"sec_fetch_site": "none"}, 200),
        ({"origin": "null"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:8000"}, 403),
        ({"origin": "http://localhost:9800"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"origin": "https://evil.example", "sec_fetch_site": "same-origin"}, 403),
    ],
)
async def test_page_of_another_origin_steers_nothing(platform: Platform, headers: dict, status: int) -> None:
    assert (await post(platform, **headers)).status_code == status
    assert (await post(platform, path="reset", **headers)).status_code == status


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "text/json"])
async def test_what_a_page_may_post_anywhere_is_no_command(platform: Platform, content_type: str) -> None:
    answer = await post(platform, content_type=content_type)
    assert answer.status_code == 415
    assert "application/json" in answer.json()["error"]
    assert (await platform.books())["events"] == []


@pytest.mark.parametrize("path", ["/sandbox/consent", "/sandbox/device"])
async def test_consent_is_not_given_by_a_foreign_form(platform: Platform, path: str) -> None:
    answer = await platform.http.post(
        path, data={"decision": "allow"}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403


async def test_platform_itself_is_not_guarded(platform: Platform) -> None:
    answer = await platform.http.get(
        "/open-apis/bot/v3/info", headers={"Host": "feishu", "Origin": "https://x"}
    )
    assert answer.json()["code"] == 99991661


def test_further_names_are_allowed_by_configuration() -> None:
    config = SandboxConfig(hosts=["Feishu-Sandbox"])
    guard = Guard(lambda *_: None, hosts=config.hosts)
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/sandbox/api/apps",
        "headers": [(b"host", b"feishu-sandbox:1")],
    }
    assert guard._refusal(scope) is None
