import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx2
import pytest

from feishu.errors import APIError, MalformedAnswer, TransportError
from feishu.platforms import LARK
from feishu.tenant_tokens import TenantTokens, default_tenant_tokens
from tests.services.processes import PATIENCE

HOUR = 3600


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(transport, clock) -> TenantTokens:
    return TenantTokens(transport, clock)


def token(value: str, expire: int = 2 * HOUR) -> dict[str, object]:
    return {"code": 0, "msg": "ok", "tenant_access_token": value, "expire": expire}


def test_a_token_is_asked_for_with_the_apps_credentials(platform, tokens, credentials):
    platform.will_say(token("t-1"))
    assert tokens.get(credentials) == "t-1"
    assert str(platform.requests[0].url) == (
        "https://open.feishu.cn/open-apis/auth/v3/tenant_access_token/internal"
    )
    assert platform.sent_json() == {"app_id": credentials.app_id, "app_secret": "s3cr3t"}


def test_a_token_serves_until_half_an_hour_of_it_remains(platform, tokens, credentials, clock):
    platform.will_say(token("t-1"), token("t-2"))
    tokens.get(credentials)
    clock.now += 1.5 * HOUR - 1
    assert tokens.get(credentials) == "t-1"
    assert len(platform.requests) == 1
    clock.now += 1
    assert tokens.get(credentials) == "t-2"


def test_a_token_with_little_life_left_is_not_asked_for_at_every_call(platform, tokens, credentials, clock):
    platform.will_say(token("t-1", 20), token("t-1", 9), token("t-2", 100))
    assert [tokens.get(credentials) for _ in range(3)] == ["t-1"] * 3
    clock.now += 10
    assert tokens.get(credentials) == "t-1"
    assert len(platform.requests) == 2


@pytest.mark.parametrize("failure", [httpx2.ReadTimeout("slow"), httpx2.Response(502, content=b"<html>")])
def test_the_old_token_serves_while_the_platform_is_away(
    platform, tokens, credentials, clock, failure, caplog
):
    platform.will_say(token("t-1"))
    tokens.get(credentials)
    platform.will(failure, httpx2.Response(200, json=token("t-2")))
    clock.now += 1.75 * HOUR
    assert [tokens.get(credentials), tokens.get(credentials)] == ["t-1", "t-1"]
    assert len(platform.requests) == 2
    assert "app_token_not_refreshed" in caplog.text
    assert "s3cr3t" not in f"{[vars(record) for record in caplog.records]}"
    clock.now += 31
    assert tokens.get(credentials) == "t-2"


def test_validity_written_as_text_is_read(platform, tokens, credentials):
    platform.will_say({"code": "0", "tenant_access_token": "t-1", "expire": "7200"})
    assert [tokens.get(credentials), tokens.get(credentials)] == ["t-1", "t-1"]


def test_an_expired_token_is_not_served(platform, tokens, credentials, clock):
    platform.will_say(token("t-1"))
    tokens.get(credentials)
    platform.will(httpx2.ConnectError("down"))
    clock.now += 2 * HOUR - 5
    with pytest.raises(TransportError):
        tokens.get(credentials)


def test_wrong_credentials_are_told_even_while_an_old_token_lives(platform, tokens, credentials, clock):
    platform.will_say(token("t-1"), {"code": 10015, "msg": "wrong secret"})
    tokens.get(credentials)
    clock.now += 1.75 * HOUR
    with pytest.raises(APIError) as caught:
        tokens.get(credentials)
    assert caught.value.code == 10015


@pytest.mark.parametrize(
    "body",
    [
        {"code": 0},
        {"code": 0, "tenant_access_token": "", "expire": 7200},
        {"code": 0, "tenant_access_token": 7, "expire": 7200},
        {"code": 0, "tenant_access_token": "t\ud800", "expire": 7200},
        {"code": 0, "data": {"token": "t"}},
    ],
)
def test_an_answer_without_a_token_is_malformed(platform, tokens, credentials, body):
    platform.will(httpx2.Response(200, content=json.dumps(body).encode()))
    with pytest.raises(MalformedAnswer):
        tokens.get(credentials)


@pytest.mark.parametrize(
    "body",
    [
        {"code": 0, "tenant_access_token": "t"},
        {"code": 0, "tenant_access_token": "t", "expire": 0},
        {"code": 0, "tenant_access_token": "t", "expire": "soon", "data": {"other": 1}},
        {"code": "0", "tenant_access_token": "t", "expire": 7200.0},
        {"code": 0, "data": {"tenant_access_token": "t", "expire": 7200}},
    ],
)
def test_an_answer_of_another_shape_says_the_same(platform, tokens, credentials, body, clock):
    platform.will_say(body, token("t-2"))
    assert tokens.get(credentials) == "t"
    clock.now += 1.5 * HOUR - 1
    assert tokens.get(credentials) == "t"
    clock.now += 1
    assert tokens.get(credentials) == "t-2"


def test_apps_secrets_and_platforms_do_not_share_tokens(platform, tokens, credentials):
    platform.will_say(token("t-1"), token("t-2"), token("t-3"), token("t-4"))
    others = [
        credentials,
        replace(credentials, app_id="cli_b"),
        replace(credentials, app_secret="new"),
        replace(credentials, platform=LARK),
    ]
    assert [tokens.get(other) for other in others] == ["t-1", "t-2", "t-3", "t-4"]
    assert [tokens.get(other) for other in others] == ["t-1", "t-2", "t-3", "t-4"]


def test_a_rejected_token_is_forgotten_but_not_its_successor(platform, tokens, credentials):
    platform.will_say(token("t-1"), token("t-2"))
    tokens.get(credentials)
    tokens.invalidate(credentials, "t-1")
    assert tokens.get(credentials) == "t-2"
    tokens.invalidate(credentials, "t-1")
    assert tokens.get(credentials) == "t-2"


def test_many_threads_ask_once(platform, tokens, credentials):
    asked, release = threading.Event(), threading.Event()

    def slowly(_request: httpx2.Request) -> httpx2.Response:
        asked.set()
        assert release.wait(PATIENCE)
        return httpx2.Response(200, json=token("t-1"))

    platform.will(slowly)
    with ThreadPoolExecutor(8) as pool:
        results = [pool.submit(tokens.get, credentials) for _ in range(8)]
        assert asked.wait(PATIENCE)
        release.set()
        assert {result.result(PATIENCE) for result in results} == {"t-1"}
    assert len(platform.requests) == 1


def test_nobody_waits_for_a_refresh_while_the_old_token_lives(platform, tokens, credentials, clock):
    platform.will_say(token("t-1"))
    tokens.get(credentials)
    clock.now += 1.75 * HOUR
    asked, release = threading.Event(), threading.Event()

    def slowly(_request: httpx2.Request) -> httpx2.Response:
        asked.set()
        assert release.wait(PATIENCE)
        return httpx2.Response(200, json=token("t-2"))

    platform.will(slowly)
    with ThreadPoolExecutor(1) as pool:
        refreshing = pool.submit(tokens.get, credentials)
        assert asked.wait(PATIENCE)
        assert tokens.get(credentials) == "t-1"
        release.set()
        assert refreshing.result(PATIENCE) == "t-2"


def test_a_token_that_hangs_elsewhere_is_not_waited_for_without_end(tokens, credentials, monkeypatch):
    monkeypatch.setattr("feishu.tenant_tokens._LONGEST_WAIT", 0.01)
    entry = tokens._entry(credentials)
    with entry.refreshing, pytest.raises(TransportError) as caught:
        tokens.get(credentials)
    assert caught.value.sent == "no"


def test_the_number_of_apps_kept_is_bounded(platform, tokens, credentials, monkeypatch):
    monkeypatch.setattr("feishu.tenant_tokens._MAX_APPS", 2)
    platform.will_say(*(token(f"t-{number}") for number in range(4)))
    apps = [replace(credentials, app_id=name) for name in "abc"]
    assert [tokens.get(app) for app in apps] == ["t-0", "t-1", "t-2"]
    assert tokens.get(apps[2]) == "t-2"
    assert tokens.get(apps[0]) == "t-3"


def test_a_kept_token_does_not_show(platform, tokens, credentials):
    platform.will_say(token("t-hidden"))
    tokens.get(credentials)
    assert "t-hidden" not in repr(tokens._entry(credentials))


def test_the_default_tokens_are_shared_within_a_process():
    assert default_tenant_tokens() is default_tenant_tokens()
