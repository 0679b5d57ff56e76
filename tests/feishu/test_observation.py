"""Whoever listens is told how each call to the platform ended."""

import httpx2
import pytest

from feishu import observation
from feishu.errors import FeishuError
from feishu.observation import PlatformCall, api_group
from feishu.openapi import OpenAPI
from feishu.tenant_tokens import TenantTokens
from feishu.user_api import UserAPI

TOKEN = {"code": 0, "tenant_access_token": "t-1", "expire": 7200}
PATH = "/open-apis/im/v1/messages/om_1/reply"


@pytest.fixture
def told(monkeypatch) -> list[PlatformCall]:
    calls: list[PlatformCall] = []
    monkeypatch.setattr(observation, "_listeners", [calls.append])
    return calls


@pytest.fixture
def api(transport, credentials) -> OpenAPI:
    return OpenAPI(credentials, transport, TenantTokens(transport))


@pytest.mark.parametrize(
    ("url", "group"),
    [
        (PATH, "im/v1/messages"),
        ("open-apis/task/v2/tasks?page_size=5", "task/v2/tasks"),
        ("https://open.feishu.cn/open-apis/bot/v3/info", "bot/v3/info"),
        ("https://accounts.feishu.cn/oauth/v3/token", "oauth/token"),
        ("https://accounts.feishu.cn/oauth/v1/revoke", "oauth/revoke"),
        ("/open-apis/contact/v3/ou_0123456789", "other"),
        ("/open-apis/" + "a" * 500 + "/v1/b", "other"),
        ("/anything", "other"),
    ],
)
def test_api_is_named_without_the_ids_in_its_path(url, group):
    assert api_group(url) == group


def test_calls_are_told_with_app_api_and_code(platform, api, told, credentials):
    platform.will_say(TOKEN, {"code": 0}, {"code": 230002, "msg": "no"})
    api.call("GET", PATH)
    with pytest.raises(FeishuError):
        api.call("GET", PATH)
    assert [(call.app_id, call.api, call.outcome) for call in told] == [
        (credentials.app_id, "auth/v3/tenant_access_token", "0"),
        (credentials.app_id, "im/v1/messages", "0"),
        (credentials.app_id, "im/v1/messages", "230002"),
    ]


def test_rate_limit_is_told_with_how_much_is_allowed(platform, transport, credentials, told):
    platform.will_say({"code": 99991400}, status=400, headers={"x-ogw-ratelimit-limit": "50"})
    with pytest.raises(FeishuError):
        UserAPI(credentials, "u-1", transport)("GET", PATH)
    assert [(call.is_rate_limited, call.limit, call.outcome) for call in told] == [(True, 50, "99991400")]


def test_call_without_an_answer_is_told_with_the_reason(platform, transport, credentials, told):
    platform.will(httpx2.ConnectError("refused"))
    with pytest.raises(FeishuError):
        UserAPI(credentials, "u-1", transport)("GET", PATH)
    [call] = told
    assert call.code is None
    assert call.outcome not in {"", "unknown"}
