import json
from dataclasses import replace
from urllib.parse import parse_qs

import httpx2
import pytest

from feishu.device_code import DeviceCode, DeviceCodes, Waiting
from feishu.errors import APIError, MalformedAnswer, OAuthError
from feishu.oauth import TokenSet


@pytest.fixture
def codes(transport, credentials) -> DeviceCodes:
    return DeviceCodes(credentials, transport)


def test_a_link_is_asked_for(platform, codes):
    platform.will_say(
        {
            "device_code": "d-secret",
            "user_code": "ABCD",
            "verification_uri": "https://v.test",
            "verification_uri_complete": "https://v.test?c=ABCD",
            "expires_in": 300,
            "interval": 7,
        }
    )
    code = codes.start(["offline_access", "im:message"])
    assert code == DeviceCode("d-secret", "ABCD", "https://v.test?c=ABCD", 300, 7)
    assert "d-secret" not in repr(code)
    request = platform.requests[0]
    assert str(request.url) == "https://accounts.feishu.cn/oauth/v1/device_authorization"
    assert parse_qs(request.content.decode()) == {
        "client_id": ["cli_a1b2c3d4e5f60718"],
        "scope": ["offline_access im:message"],
    }
    assert request.headers["authorization"].startswith("Basic ")


def test_missing_times_are_those_of_the_official_tool(platform, codes):
    platform.will_say({"device_code": "d", "verification_uri": "https://v.test"})
    assert codes.start([]) == DeviceCode("d", "", "https://v.test", 240, 5)


@pytest.mark.parametrize("body", [{}, {"device_code": "d"}, {"verification_uri": "https://v.test"}])
def test_an_answer_without_a_code_or_link_is_malformed(platform, codes, body):
    platform.will_say(body)
    with pytest.raises(MalformedAnswer):
        codes.start([])


def test_a_refused_start_is_raised(platform, codes):
    platform.will_say({"error": "invalid_client"}, status=400)
    with pytest.raises(APIError):
        codes.start([])


@pytest.mark.parametrize("waiting", list(Waiting))
@pytest.mark.parametrize("field", [{"error"}, {"msg"}])
def test_waiting_is_no_error(platform, codes, waiting, field):
    platform.will_say({"code": 20099} | dict.fromkeys(field, waiting.value), status=400)
    assert codes.poll("d") is waiting


def test_an_answer_wrapped_in_data_is_read_too(platform, codes):
    platform.will_say(
        {"code": 0, "data": {"device_code": "d", "verification_uri": "https://v.test", "interval": "7"}}
    )
    assert codes.start([]).interval == 7


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "https://[",
        "https://",
        "https://v.test:0",
        "https://v.test/\ud800",
        7,
        ["https://v.test"],
    ],
)
def test_a_link_that_is_no_web_address_is_malformed(platform, codes, link):
    platform.will(
        httpx2.Response(200, content=json.dumps({"device_code": "d", "verification_uri": link}).encode())
    )
    with pytest.raises(MalformedAnswer):
        codes.start([])


def test_consent_brings_tokens(platform, codes):
    platform.will_say({"code": 0, "access_token": "a", "expires_in": 7200, "scope": "x"})
    assert codes.poll("d") == TokenSet("a", 7200, None, None, ("x",))
    assert platform.sent_json() == {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "client_id": "cli_a1b2c3d4e5f60718",
        "client_secret": "s3cr3t",
        "device_code": "d",
    }


@pytest.mark.parametrize("error", ["access_denied", "expired_token", "invalid_grant"])
def test_the_end_of_the_wait_is_an_error(platform, codes, error):
    platform.will_say({"error": error}, status=400)
    with pytest.raises(OAuthError) as caught:
        codes.poll("d")
    assert caught.value.error == error


def test_link_is_one_that_browsers_reach(platform, transport, credentials):
    behind = replace(credentials.platform, browser_url="https://accounts.example.test")
    inner = f"{credentials.platform.accounts_url}/verify?user_code=A"
    platform.will_say({"device_code": "d", "verification_uri": inner})
    started = DeviceCodes(replace(credentials, platform=behind), transport).start([])
    assert started.verification_uri == "https://accounts.example.test/verify?user_code=A"
