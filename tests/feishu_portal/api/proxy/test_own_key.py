"""An official SDK that has the proxy as its domain and the API key as its App Secret works without a change."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from auth_sessions.models import TokenUse
from core.access.scopes import Scope
from feishu_portal.api.proxy import own_key
from tests.factories import make_bot
from tests.feishu_portal.api.proxy.tokens import APP_TOKEN, SECRETS, USER_TOKEN
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = "/open-apis/auth/v3/{}/internal"
KINDS = ["tenant_access_token", "app_access_token"]


@pytest.mark.parametrize("user", ["", "ou_asked"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("slash", ["", "/"])
async def test_sdk_gets_its_own_key_back_and_calls_with_it(proxy, grant, upstream, kind, user, slash):
    key = await proxy.key()
    secret = {"app_id": proxy.bot.app_id, "app_secret": key}
    response = await proxy.call(
        "", proxy.path(TOKEN.format(kind) + slash, user=user), method="POST", json=secret
    )
    assert response.status_code == 200
    assert response.json() == {
        "code": 0, "msg": "ok", "expire": 7200, "tenant_access_token": key, "app_access_token": key,
    }  # fmt: skip
    assert response.headers["cache-control"] == "no-store"
    assert not any(real in response.text for real in SECRETS)
    assert (upstream.token_calls, upstream.requests) == (0, [])
    assert not await proxy.database.run(TokenUse.objects.exists)
    called = await proxy.call(response.json()[kind], proxy.path(user=user))
    assert called.headers["feishu-portal-identity"] == ("user" if user else "app")
    if not user:
        assert upstream.authorizations == [APP_TOKEN]


async def test_form_and_header_do_as_well(proxy):
    key, path = await proxy.key(), proxy.path(TOKEN.format(KINDS[0]), user="")
    by_form = await proxy.call("", path, method="POST", data={"app_id": "x", "app_secret": key})
    by_header = await proxy.call(key, path, method="POST", json={})
    assert by_form.json()["tenant_access_token"] == by_header.json()["tenant_access_token"] == key


@pytest.mark.parametrize(
    "body",
    [
        b'{"app_secret":"fp_\\ud800"}',
        b'{"app_secret":"fp_\\u0000"}',
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"app_secret":7}',
        b'{"app_secret":"fp_wrong"}',
        b"[" * 9000,
    ],
)
async def test_wrong_secret_is_refused_as_the_platform_refuses(proxy, body):
    response = await proxy.call("", proxy.path(TOKEN.format(KINDS[0]), user=""), method="POST", content=body)
    assert (response.status_code, response.json()["code"]) == (401, 10014)
    assert "token" not in set(response.json())


async def test_long_body_is_refused(proxy):
    path = proxy.path(TOKEN.format(KINDS[0]), user="")
    assert (await proxy.call("", path, method="POST", content=b"x" * 20_000)).status_code == 413


async def test_body_that_does_not_come_is_not_waited_for_and_takes_no_place(proxy, monkeypatch, settings):
    settings.PROXY_CALLS = settings.PROXY_CLIENT_CALLS = 1
    monkeypatch.setattr(own_key, "FIRST_BYTE_SECONDS", 0.2)
    path, begun = proxy.path(TOKEN.format(KINDS[0]), user=""), asyncio.Event()
    key = await proxy.key()

    async def body():
        begun.set()
        await asyncio.Event().wait()
        yield b"{}"

    slow = asyncio.create_task(proxy.call("", path, method="POST", content=body()))
    await asyncio.wait_for(begun.wait(), PATIENCE)
    monkeypatch.setattr(own_key, "FIRST_BYTE_SECONDS", PATIENCE)
    quick = await proxy.call("", path, method="POST", json={"app_secret": key})
    assert quick.json()["tenant_access_token"] == key
    refused = await asyncio.wait_for(slow, PATIENCE)
    assert (refused.status_code, refused.json()["code"]) == (408, 10014)


async def test_stranger_gets_nothing(proxy, database):
    other = await database.run(make_bot)
    path, status = proxy.path(TOKEN.format(KINDS[0]), user=""), {}
    for name, key in {
        "another bot's": await proxy.key(bots=(other,)),
        "without the scope": await proxy.key(Scope.PROXY_USER),
        "disabled": await proxy.key(enabled=False),
    }.items():
        response = await proxy.call("", path, method="POST", json={"app_secret": key})
        status[name] = response.status_code
        assert key not in response.text
    assert status == {"another bot's": 404, "without the scope": 403, "disabled": 401}


@pytest.mark.only_on("postgres")
async def test_official_sdk_works_unmodified(portal, proxy, grant, upstream):
    """Two programs at once, for the bot and for a person: each loads the SDK for seconds."""
    upstream.will_say({"code": 0, "msg": "success", "data": {"items": ["a chat"]}})
    program, key = Path(__file__).with_name("sdk_as_the_bot.py"), await proxy.key()

    async def data_of(user: str) -> object:
        process = await asyncio.create_subprocess_exec(
            sys.executable, program, portal + proxy.path("", user=user), proxy.bot.app_id, key,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        answer, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        return json.loads(answer)["data"]

    async with asyncio.timeout(PATIENCE):
        assert await asyncio.gather(data_of(""), data_of("ou_asked")) == [{"items": ["a chat"]}] * 2
    assert sorted(upstream.authorizations) == sorted([APP_TOKEN, USER_TOKEN])
