"""The file of a sandbox: what outlives a restart, and what happens to a file that cannot be used."""

import asyncio
import base64
import json
import logging
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sandbox.app import create_app
from sandbox.config import SandboxConfig
from sandbox.keeper import Keeper
from sandbox.world.world import World
from tests.sandbox.conftest import APP_ID, REDIRECT, SECRET, Platform, app_config

NEW = "cli_00000000000000aa"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sandbox.json"


@asynccontextmanager
async def running(file: Path, **config: Any) -> AsyncIterator[Platform]:
    """A sandbox that is kept in the file, from its start to its end."""
    world = World(SandboxConfig(**{"apps": [app_config()], "rate_limits": False, **config}))
    keeper = Keeper(world, file)
    keeper.load()
    keeping = asyncio.create_task(keeper.run())
    app = create_app(world=world)
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:9800") as http:
            yield Platform("http://127.0.0.1:9800", http)
    keeper.stop()
    await keeping


def read(file: Path) -> bytes:
    return file.read_bytes()


def write(file: Path, content: bytes) -> None:
    file.write_bytes(content)


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


async def tokens_of(platform: Platform, person: str = "lilei") -> dict[str, str]:
    url = f"/open-apis/authen/v1/authorize?client_id={APP_ID}&redirect_uri={REDIRECT}&scope=offline_access"
    consent = await platform.control("POST", "authorize", {"url": url, "person": person})
    code = httpx2.URL(consent["redirect"]).params["code"]
    return await token_of(platform, grant_type="authorization_code", code=code, redirect_uri=REDIRECT)


async def token_of(platform: Platform, **grant: str) -> dict[str, Any]:
    body = {"client_id": APP_ID, "client_secret": SECRET, **grant}
    return (await platform.http.post("/open-apis/authen/v2/oauth/token", json=body)).json()


async def test_apps_people_groups_messages_and_grants_outlive_a_restart(file: Path) -> None:
    async with running(file) as first:
        await first.control("PUT", f"apps/{NEW}", {"name": "Neu", "menu": [{"name": "a", "event_key": "b"}]})
        await first.control("POST", "people", {"id": "new", "name": "新人"})
        group = {"name": "g", "people": ["new"], "apps": [APP_ID]}
        chat_id = (await first.control("POST", "groups", group))["chat_id"]
        picture = {"kind": "image", "data": base64.b64encode(PNG).decode()}
        for what in ({"text": "hi", "mention": [APP_ID]}, {"attachment": picture}):
            await first.control("POST", "say", {"person": "new", "chat_id": chat_id, **what})
        messages = (await first.control("GET", "messages", chat_id=chat_id))["messages"]
        await first.control("POST", "react", {"person": "new", "message_id": messages[0]["message_id"]})
        hook = await first.control("POST", "hooks", {"chat_id": chat_id})
        tenant_token = await first.tenant_token()
        tokens = await tokens_of(first)
        apps = (await first.control("GET", "apps"))["apps"]
        messages = (await first.control("GET", "messages", chat_id=chat_id))["messages"]
    assert mode_of(file) == 0o600
    async with running(file) as second:
        assert (await second.control("GET", "apps"))["apps"] == apps
        assert (await second.control("GET", "groups"))["groups"] == [{**group, "chat_id": chat_id}]
        assert (await second.control("GET", "messages", chat_id=chat_id))["messages"] == messages
        key = json.loads(messages[1]["content"])["image_key"]
        assert (await second.http.get(f"/sandbox/resource/{key}")).content == PNG
        assert (await second.api("GET", "bot/v3/info", token=tenant_token)).json()["code"] == 0
        sent = await second.http.post(hook["path"], json={"msg_type": "text", "content": {"text": "x"}})
        assert sent.json()["code"] == 0
        about = await second.api("GET", "authen/v1/user_info", token=tokens["access_token"])
        assert about.json()["data"]["open_id"] == second.open_id()
        again = await token_of(second, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        assert again["access_token"]


async def test_token_that_is_revoked_after_a_restart_takes_its_twin_along(file: Path) -> None:
    async with running(file) as first:
        tokens = await tokens_of(first)
    async with running(file) as second:
        await second.control("POST", "revoke", {"app_id": APP_ID, "person": "lilei"})
        about = await second.api("GET", "authen/v1/user_info", token=tokens["access_token"])
        assert about.json()["code"] != 0


async def test_app_of_the_start_keeps_its_changes_and_has_the_secret_of_the_start(file: Path) -> None:
    async with running(file) as first:
        await first.put_app(name="changed", app_secret="renewed", redirect_urls=["http://a/"])
    async with running(file) as second:
        app = (await second.control("GET", f"apps/{APP_ID}"))["app"]
        assert (app["name"], app["app_secret"]) == ("changed", SECRET)
        assert app["redirect_urls"] == ["http://a/", REDIRECT]


async def test_world_that_began_again_stays_so(file: Path) -> None:
    async with running(file) as first:
        await first.control("PUT", f"apps/{NEW}", {"name": "Neu"})
        await first.control("POST", "reset")
    async with running(file) as second:
        assert [app["app_id"] for app in (await second.control("GET", "apps"))["apps"]] == [APP_ID]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff\x00", b'{"version": 1}', b"[" * 100_000, b'{"version": 99}'],
    ids=["empty", "cut", "list", "bytes", "incomplete", "deep", "newer"],
)
async def test_file_that_cannot_be_understood_is_set_aside(
    file: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    write(file, content)
    with caplog.at_level(logging.WARNING, "sandbox"):
        async with running(file) as platform:
            assert len((await platform.control("GET", "people"))["people"]) == 3
    assert "sandbox_file_set_aside" in caplog.text
    assert read(file.with_name("sandbox.json.unreadable")) == content
    assert json.loads(read(file))["version"] == 1


async def test_file_of_another_version_is_set_aside_and_leaves_nothing_behind(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(file) as first:
        await first.control("PUT", f"apps/{NEW}", {"name": "Neu"})
    write(file, json.dumps({**json.loads(read(file)), "version": 99}).encode())
    async with running(file) as second:
        assert [app["app_id"] for app in (await second.control("GET", "apps"))["apps"]] == [APP_ID]
    assert "version 99" in caplog.records[0].__dict__["error"]


async def test_folder_that_takes_no_file_is_told_of_and_does_no_harm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path / "missing" / "sandbox.json") as platform:
        assert (await platform.send('{"text": "hi"}')).json()["code"] == 0
    assert "sandbox_file_not_written" in caplog.text


async def test_who_has_no_tasks_reads_none_and_the_examples_of_the_guide_are_answered(file: Path) -> None:
    scope = {"scopes": ["offline_access", "auth:user.id:read", "task:task:read"]}
    async with running(file) as platform:
        await platform.put_app(**scope)
        grants = {"app_id": APP_ID, "scopes": scope["scopes"]}
        token = (await platform.control("POST", "grants", grants))["grants"][0]["access_token"]
        tasks = await platform.api("GET", "task/v2/tasks", token=token)
        assert tasks.json()["data"] == {"items": [], "page_token": "", "has_more": False}
        assert (await platform.api("GET", "authen/v1/user_info", token=token)).json()["code"] == 0
