"""Apps registered by a program without credentials, as the official SDK does it."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sandbox.config import DEFAULT_SCOPES, SandboxConfig
from tests.sandbox.conftest import APP_ID, SECRET, Platform, app_config
from tests.services.processes import PATIENCE

PROGRAM = Path(__file__).parent / "official_sdk_registration.py"
ENDPOINT = "/oauth/v1/app/registration"


@pytest.fixture
def config() -> SandboxConfig:
    return SandboxConfig(apps=[app_config()], rate_limits=False, registration_interval=1)


@contextlib.asynccontextmanager
async def registering(platform: Platform, **arguments: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    program = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), platform.url, json.dumps(arguments), stdout=asyncio.subprocess.PIPE
    )
    try:
        yield program
    finally:
        with contextlib.suppress(ProcessLookupError):
            program.kill()
        await program.communicate()


async def said(program: asyncio.subprocess.Process) -> Any:
    async with asyncio.timeout(PATIENCE):
        return json.loads(await program.stdout.readline())


@pytest.mark.processes
async def test_the_sdk_registers_an_app_that_works(served: Platform) -> None:
    preset = {"name": "{user}的助手", "desc": "每天的摘要", "avatar": ["https://img.example.test/a.png"]}
    addons = {
        "scopes": {"tenant": ["im:message"], "user": ["wiki:wiki:readonly"]},
        "events": {"items": {"tenant": ["im.message.receive_v1"]}},
        "callbacks": {"items": ["url.preview.get"]},
    }
    async with registering(served, app_preset=preset, addons=addons, source="test") as program:
        url = await said(program)
        query = parse_qs(urlsplit(url).query)
        assert (query["source"], query["name"]) == (["python-sdk/test"], ["{user}的助手"])
        app_id = (await served.control("POST", "register", {"url": url, "person": "hanmeimei"}))["app_id"]
        outcome = (await said(program))["result"]
    assert outcome["client_id"] == app_id
    person = {"open_id": Platform("", served.http, app_id).open_id("hanmeimei"), "tenant_brand": "feishu"}
    assert outcome["user_info"] == person
    assert (await served.discover(app_id, outcome["client_secret"]))["code"] == 0
    app = next(app for app in (await served.control("GET", "apps"))["apps"] if app["app_id"] == app_id)
    assert (app["name"], app["owner"]) == ("韩梅梅的助手", "hanmeimei")
    assert set(app["scopes"]) == {*DEFAULT_SCOPES, "wiki:wiki:readonly"}
    assert app["callbacks"] == ["card.action.trigger", "url.preview.get"]


@pytest.mark.processes
async def test_the_sdk_extends_an_app_without_the_preset(served: Platform) -> None:
    await served.put_app(scopes=["im:message"], events=["p2p_chat_create"])
    addons = {"preset": False, "events": {"items": {"user": ["calendar.calendar.changed_v4"]}}}
    async with registering(served, addons=addons, app_id=APP_ID) as program:
        await served.control("POST", "register", {"url": await said(program), "person": "lilei"})
        outcome = (await said(program))["result"]
    assert (outcome["client_id"], outcome["client_secret"]) == (APP_ID, SECRET)
    [app] = (await served.control("GET", "apps"))["apps"]
    assert app["events"] == ["p2p_chat_create", "calendar.calendar.changed_v4"]
    assert app["scopes"] == ["im:message"]


@pytest.mark.processes
async def test_the_sdk_is_told_that_the_person_said_no(served: Platform) -> None:
    async with registering(served) as program:
        wish = {"url": await said(program), "person": "lilei", "decision": "deny"}
        assert await served.control("POST", "register", wish) == {"app_id": ""}
        assert await said(program) == {"error": "AppAccessDeniedError", "code": "access_denied"}


@pytest.mark.processes
async def test_the_sdk_changes_to_lark_when_the_person_is_there(served: Platform) -> None:
    await served.control("POST", "people", {"id": "ann", "name": "Ann", "tenant_brand": "lark"})
    async with registering(served) as program:
        url = await said(program)
        page = await served.http.get(url, headers={"Cookie": "sandbox_person=ann"})
        assert page.status_code == 200
        async with asyncio.timeout(PATIENCE):
            while '"tenant_brand":"lark"' not in str(await polls(served)):
                await asyncio.sleep(0.1)
        await served.control("POST", "register", {"url": url, "person": "ann"})
        outcome = await said(program)
    assert "domain_switched" in outcome["statuses"]
    assert outcome["result"]["user_info"]["tenant_brand"] == "lark"


async def polls(platform: Platform) -> str:
    calls = (await platform.control("GET", "calls"))["calls"]
    answers = [call["response"] for call in calls if call["path"] == ENDPOINT]
    return json.dumps(answers, separators=(",", ":"))


async def post(platform: Platform, **form: str) -> tuple[int, dict[str, Any]]:
    answer = await platform.http.post(ENDPOINT, data=form)
    return answer.status_code, answer.json()


async def begin(platform: Platform) -> dict[str, Any]:
    status, begun = await post(
        platform, action="begin", archetype="PersonalAgent", auth_method="client_secret"
    )
    assert status == 200
    return begun


async def test_both_names_of_the_lifetime_are_given(platform: Platform) -> None:
    assert (await post(platform, action="init"))[1]["supported_auth_methods"] == [
        "client_secret",
        "private_key_jwt",
    ]
    begun = await begin(platform)
    assert (begun["expires_in"], begun["expire_in"], begun["interval"]) == (600, 600, 1)
    assert begun["verification_uri_complete"].startswith(f"{begun['verification_uri']}?")


async def test_polls_are_answered_as_device_codes_are(platform: Platform, config: SandboxConfig) -> None:
    config.registration_interval = 300
    code = (await begin(platform))["device_code"]
    assert (await post(platform, action="poll", device_code=code))[1]["error"] == "authorization_pending"
    status, answer = await post(platform, action="poll", device_code=code)
    assert (status, answer["error"]) == (400, "slow_down")
    assert (await post(platform, action="poll", device_code="x"))[1]["error"] == "invalid_grant"


async def test_secret_is_told_once(platform: Platform) -> None:
    begun = await begin(platform)
    wish = {"url": begun["verification_uri_complete"], "person": "lilei"}
    app_id = (await platform.control("POST", "register", wish))["app_id"]
    code = begun["device_code"]
    assert (await post(platform, action="poll", device_code=code))[1]["client_id"] == app_id
    assert (await post(platform, action="poll", device_code=code))[1]["error"] == "invalid_grant"
    await platform.control("POST", "register", wish, status=404)
    assert "client_secret" not in json.dumps((await platform.control("GET", "overview"))["apps"])


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"action": "dance"}, "invalid_request"),
        ({"action": "begin", "auth_method": "private_key_jwt"}, "invalid_request"),
        ({"action": "begin", "auth_method": "spell"}, "invalid_request"),
        ({"action": "poll"}, "invalid_grant"),
    ],
)
async def test_what_is_not_understood_is_refused(platform: Platform, form: dict, error: str) -> None:
    status, answer = await post(platform, **form)
    assert (status, answer["error"]) == (400, error)
    assert answer["error_description"]


@pytest.mark.parametrize(
    ("query", "status"),
    [("&addons=%21%21", 400), ("&addons=H4sIAAAA", 400), ("&clientID=cli_0000000000000000", 404)],
)
async def test_page_that_cannot_be_understood_says_so(platform: Platform, query: str, status: int) -> None:
    url = (await begin(platform))["verification_uri_complete"] + query
    answer = await platform.http.get(url)
    assert answer.status_code == status
    assert 'role="alert"' in answer.text
    await platform.control("POST", "register", {"url": url, "person": "lilei"}, status=status)


async def test_chosen_app_is_extended_unless_only_a_new_one_may_be_made(platform: Platform) -> None:
    begun = await begin(platform)
    url = begun["verification_uri_complete"]
    wish = {"url": f"{url}&createOnly=true", "person": "lilei", "app_id": APP_ID}
    await platform.control("POST", "register", wish, status=409)
    wish["url"] = url
    assert (await platform.control("POST", "register", wish))["app_id"] == APP_ID
    poll = (await post(platform, action="poll", device_code=begun["device_code"]))[1]
    assert (poll["client_id"], poll["client_secret"]) == (APP_ID, SECRET)


async def test_registration_expires(platform: Platform, config: SandboxConfig) -> None:
    config.registration_lifetime = 1
    begun = await begin(platform)
    async with asyncio.timeout(PATIENCE):
        while (await post(platform, action="poll", device_code=begun["device_code"]))[1][
            "error"
        ] != "expired_token":
            await asyncio.sleep(0.1)
    wish = {"url": begun["verification_uri_complete"], "person": "lilei"}
    await platform.control("POST", "register", wish, status=404)
