"""Answers that are not the platform's, or not as it promises them."""

import asyncio

import httpx2
import pytest

from feishu.credentials import AppCredentials
from feishu.errors import TransportError
from feishu.long_connection.address import find_gateway
from feishu.long_connection.config import ClientConfig
from feishu.platforms import Platform as FeishuPlatform
from feishu.reasons import Reason
from feishu.transport import Transport
from tests.sandbox.conftest import Platform


@pytest.mark.parametrize(("kind", "status"), [("html", 502), ("sign_in", 200), ("redirect", 307)])
async def test_anothers_page_comes_instead(platform: Platform, kind: str, status: int) -> None:
    token = await platform.tenant_token()
    await platform.control(
        "PUT", "faults", {"openapi": {"answer": kind, "times": 1}, "token": {"answer": kind}}
    )
    spoiled = await platform.api("GET", "bot/v3/info", token=token)
    assert (spoiled.status_code, spoiled.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert (await platform.http.post("/oauth/v3/token", json={})).status_code == status
    assert (await platform.api("GET", "bot/v3/info", token=token)).json()["code"] == 0


async def test_answer_keeps_its_meaning_and_loses_its_form(platform: Platform) -> None:
    token = await platform.tenant_token()
    await platform.control("PUT", "faults", {"openapi": {"answer": "gbk", "times": 1}})
    assert "成功" in (await platform.api("GET", "bot/v3/info", token=token)).content.decode("gbk")
    await platform.control("PUT", "faults", {"openapi": {"answer": "string_numbers"}})
    assert (await platform.api("GET", "bot/v3/info", token=token)).json()["code"] == "0"


async def test_body_of_an_answer_ends_in_the_middle(served: Platform) -> None:
    token = await served.tenant_token()
    await served.control(
        "PUT", "faults", {"openapi": {"drop": "middle", "times": 1}, "token": {"drop": "middle"}}
    )
    with pytest.raises(httpx2.RemoteProtocolError, match="without sending complete message body"):
        await served.api("GET", "bot/v3/info", token=token)
    with pytest.raises(httpx2.RemoteProtocolError, match="without sending complete message body"):
        await served.http.post("/oauth/v3/token", json={})
    assert (await served.api("GET", "bot/v3/info", token=token)).json()["code"] == 0


async def test_portal_says_that_an_answer_was_cut(served: Platform) -> None:
    token = await served.tenant_token()
    await served.control("PUT", "faults", {"openapi": {"drop": "middle"}, "discovery": {"drop": "middle"}})
    transport = Transport()
    with pytest.raises(TransportError) as caught:
        await asyncio.to_thread(transport.request, "GET", f"{served.url}/open-apis/bot/v3/info", bearer=token)
    transport.close()
    assert (caught.value.reason, caught.value.sent) == (Reason.CUT, "unknown")
    platform = FeishuPlatform(open_url=served.url, accounts_url=served.url)
    credentials = AppCredentials(served.app_id, served.secret, platform=platform)
    with pytest.raises(TransportError) as caught:
        await find_gateway(credentials, seconds=10, config=ClientConfig())
    assert caught.value.reason is Reason.CUT
