"""The control API: apps, people, faults, the log, starting over."""

import inspect
import re

import httpx2
import pytest

from sandbox import control
from sandbox.config import APP_ID as APP_ID_SHAPE
from sandbox.config import SandboxConfig, demo_app
from sandbox.control.table import control_routes
from tests.sandbox.conftest import APP_ID, REDIRECT, SECRET, Platform, app_config

NEW = "cli_00000000000000aa"


async def test_app_is_created_with_defaults_and_changed_field_by_field(platform: Platform) -> None:
    created = (await platform.control("PUT", f"apps/{NEW}", {"name": "Neu"}))["app"]
    assert (created["name"], created["mode"], created["max_connections"]) == ("Neu", "websocket", 50)
    assert created["app_secret"]
    changed = (await platform.control("PUT", f"apps/{NEW}", {"redirect_urls": [REDIRECT]}))["app"]
    assert changed == {**created, "redirect_urls": [REDIRECT]}
    assert (await platform.discover(NEW, created["app_secret"]))["code"] == 0
    await platform.control("DELETE", f"apps/{NEW}")
    assert (await platform.discover(NEW, created["app_secret"]))["code"] == 1000040346


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("apps/cli_x", {}),
        (f"apps/{NEW}", {"colour": "pink"}),
        (f"apps/{NEW}", {"access_token_lifetime": 0}),
        (f"apps/{NEW}", {"mode": "pigeon"}),
    ],
)
async def test_app_that_makes_no_sense_is_refused(platform: Platform, path: str, body: dict) -> None:
    assert (await platform.control("PUT", path, body, status=400))["error"]


async def test_lists_of_apps_hold_no_secret(platform: Platform) -> None:
    await platform.put_app(encrypt_key="the encrypt key", verification_token="the verification token")
    for path in ("apps", "overview"):
        text = str(await platform.control("GET", path))
        assert APP_ID in text
        for secret in (SECRET, "the encrypt key", "the verification token"):
            assert secret not in text


async def test_one_app_is_shown_with_its_secrets_and_its_scopes_in_words(platform: Platform) -> None:
    shown = await platform.control("GET", f"apps/{APP_ID}")
    assert shown["app"]["app_secret"] == SECRET
    named = {scope["name"]: scope["text"]["en_us"] for scope in shown["scopes"]}
    assert named["im:message"] == "Read and send messages"
    await platform.control("GET", f"apps/{NEW}", status=404)


async def test_groups_are_listed_whoever_is_in_them(platform: Platform) -> None:
    made = await platform.control("POST", "groups", {"name": "g", "people": ["wangfang"], "apps": [APP_ID]})
    group = {"chat_id": made["chat_id"], "name": "g", "people": ["wangfang"], "apps": [APP_ID]}
    assert (await platform.control("GET", "groups"))["groups"] == [group]


async def test_people_are_known_to_an_app_by_their_open_id(platform: Platform) -> None:
    await platform.control("POST", "people", {"id": "new", "name": "新人"})
    people = (await platform.control("GET", "people", app_id=APP_ID))["people"]
    assert [person["name"] for person in people] == ["李雷", "韩梅梅", "王芳", "新人"]
    assert people[3]["open_id"] == platform.open_id("new")
    assert (await platform.send('{"text": "hi"}', person="new")).json()["code"] == 0


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("say", {"person": "nobody", "app_id": APP_ID, "text": "x"}, 404),
        ("say", {"person": "lilei", "app_id": NEW, "text": "x"}, 404),
        ("say", {"person": "lilei", "text": "x"}, 400),
        ("say", {"person": "lilei", "words": "x"}, 400),
        ("click", {"person": "lilei", "message_id": "om_x"}, 404),
        ("push", {"app_id": APP_ID, "count": 2, "ids": ["one"]}, 400),
        ("push", {"app_id": APP_ID, "count": 0}, 400),
        ("disturb", {"action": "explode"}, 400),
        ("device", {"user_code": "x", "person": "lilei"}, 404),
        ("click", {"person": "lilei", "message_id": "om_x", "button": -1}, 400),
        ("authorize", {"person": "lilei", "url": "http://["}, 400),
        ("register", {"person": "lilei", "url": "http://["}, 400),
    ],
)
async def test_wishes_that_cannot_be_fulfilled_say_why(
    platform: Platform, path: str, body: dict, status: int
) -> None:
    assert (await platform.control("POST", path, body, status=status))["error"]


@pytest.mark.parametrize("limit", ["²", "9" * 5000, "-1", "x"])
async def test_what_is_no_number_is_refused(platform: Platform, limit: str) -> None:
    assert (await platform.control("GET", "books", limit=limit, status=400))["error"]


async def test_deleted_app_leaves_nothing_that_stumbles_over_it(platform: Platform) -> None:
    await platform.put_app()
    asked = {"client_id": APP_ID, "client_secret": SECRET}
    device = (await platform.http.post("/oauth/v1/device_authorization", json=asked)).json()
    said = await platform.control("POST", "say", {"person": "lilei", "app_id": APP_ID, "text": "x"})
    await platform.control("DELETE", f"apps/{APP_ID}")
    decision = {"user_code": device["user_code"], "person": "lilei"}
    assert (await platform.control("POST", "device", decision, status=404))["error"]
    page = await platform.http.get("/oauth/v1/device/verify", params={"user_code": device["user_code"]})
    assert page.status_code == 200
    recalled = {"person": "lilei", "message_id": said["message_id"]}
    assert await platform.control("POST", "recall", recalled) == {"recalled": said["message_id"]}


async def test_documentation_names_every_route_of_the_api(platform: Platform) -> None:
    text = inspect.getdoc(control) or ""
    for route in control_routes():
        assert re.search(rf"\b{re.escape(route.name_in_api.partition('/')[0])}\b", text), route.path


async def test_books_can_be_read_from_a_place_on_and_without_the_list(platform: Platform) -> None:
    await platform.control("POST", "push", {"app_id": APP_ID, "count": 3})
    first, *rest = (await platform.books())["events"]
    assert (await platform.books(after=first["number"]))["events"] == rest
    assert (await platform.books(limit=1))["events"] == rest[-1:]
    assert (await platform.books(events="false"))["events"] == []
    assert (await platform.control("GET", "books", after="x", status=400))["error"]


async def test_revoking_raises_the_event_with_its_reason(platform: Platform, config: SandboxConfig) -> None:
    await platform.control("POST", "revoke", {"app_id": APP_ID, "person": "lilei", "reason": "administrator"})
    calls = (await platform.control("GET", "calls"))["calls"]
    event = calls[0]["request"]["event"]
    assert event["revoke_reason"] == "Revoked by administrator action."
    assert event["revoke_token_type"].split() == ["user_access_token", "refresh_token"]


async def test_openapi_fault_meets_its_path_alone(platform: Platform) -> None:
    token = await platform.tenant_token()
    fault = {"code": 99991400, "reset": 7, "path": "/open-apis/bot", "times": 1}
    await platform.control("PUT", "faults", {"openapi": fault}, app_id=APP_ID)
    assert (await platform.send('{"text": "hi"}')).json()["code"] == 0
    limited = await platform.api("GET", "bot/v3/info", token=token)
    assert (limited.status_code, limited.headers["x-ogw-ratelimit-reset"]) == (429, "7")
    assert (await platform.api("GET", "bot/v3/info", token=token)).json()["code"] == 0


async def test_faults_are_shown_replaced_and_taken_away(platform: Platform) -> None:
    await platform.control("PUT", "faults", {"discovery": {"code": 1}})
    assert (await platform.control("GET", "faults"))["discovery"]["code"] == 1
    await platform.control("PUT", "faults", {"delivery": {"chunks": 3}})
    assert (await platform.control("GET", "faults"))["discovery"] is None
    await platform.control("DELETE", "faults")
    assert (await platform.control("GET", "faults"))["delivery"]["chunks"] == 1
    assert "colour" in (await platform.control("PUT", "faults", {"colour": 1}, status=400))["error"]


async def test_log_is_newest_first_bounded_and_masked(platform: Platform) -> None:
    token = await platform.tenant_token()
    await platform.api("GET", "bot/v3/info", token=token)
    url = (await platform.discover())["data"]["URL"]
    calls = (await platform.control("GET", "calls", limit=2))["calls"]
    assert [call["path"] for call in calls] == ["/callback/ws/endpoint", "/open-apis/bot/v3/info"]
    whole = (await platform.http.get("/sandbox/api/calls")).text
    ticket = url.rpartition("=")[2]
    for secret in (SECRET, token, ticket):
        assert secret not in whole
    assert all(call["log_id"] for call in calls)


async def test_reset_brings_back_the_beginning(platform: Platform) -> None:
    await platform.control("POST", "people", {"id": "new", "name": "新人"})
    await platform.put_app(name="changed")
    await platform.send('{"text": "hi"}')
    await platform.control("POST", "reset")
    assert len((await platform.control("GET", "people"))["people"]) == 3
    messages = await platform.control("GET", "messages", person="lilei", app_id=APP_ID)
    assert messages["messages"] == []
    assert (await platform.control("GET", "apps"))["apps"][0]["name"] == app_config().name


async def test_settings_change_one_by_one_and_reset_takes_them_back(platform: Platform) -> None:
    first = await platform.control("PUT", "settings", {"speed": 20, "ack_deadline": 0.5})
    assert first == {"speed": 20.0, "rate_limits": False, "ack_deadline": 0.5}
    assert (await platform.control("PUT", "settings", {"rate_limits": True}))["speed"] == 20.0
    await platform.control("POST", "reset")
    settings = await platform.control("PUT", "settings", {})
    assert settings == {"speed": 1.0, "rate_limits": False, "ack_deadline": 3.0}


async def test_demo_app_is_complete(config: SandboxConfig) -> None:
    app = demo_app([REDIRECT])
    assert APP_ID_SHAPE.match(app.app_id)
    assert app.redirect_urls == [REDIRECT]
    assert {"offline_access", "auth:user.id:read", "contact:user.base:readonly", "im:message"} <= set(
        app.scopes
    )


async def test_platform_offers_no_way_into_the_controls(platform: Platform) -> None:
    for path in ("/open-apis/sandbox/api/books", "/oauth/sandbox", "/callback/sandbox"):
        answer: httpx2.Response = await platform.http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, 99991201)
