"""Registering an app by QR code, compared with the official SDK."""

import base64
import gzip
import json
import secrets
import traceback
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from hypothesis import given

from feishu.app_registration import (
    Addons,
    AppRegistration,
    PendingRegistration,
    RegisteredApp,
    RegistrationPoll,
    RegistrationStatus,
    qr_address,
)
from feishu.errors import FeishuError, MalformedAnswer, OAuthError, RateLimited, TransportError
from feishu.transport import Transport
from tests.anything import FUZZ, values

LINK = "https://accounts.feishu.cn/page/launcher?user_code=ABCD-EFGH"
INIT = {"nonce": "n", "supported_auth_methods": ["client_secret", "private_key_jwt"]}
BEGUN = {
    "device_code": "d-secret",
    "user_code": "ABCD-EFGH",
    "verification_uri": "https://accounts.feishu.cn/page/launcher",
    "verification_uri_complete": LINK,
    "interval": 5,
    "expires_in": 600,
}
APP = {"client_id": "cli_a1b2c3", "client_secret": "the-app-secret"}


@pytest.fixture
def registration(transport) -> AppRegistration:
    return AppRegistration(transport=transport)


def test_it_begins_at_feishu_as_the_sdk_does(platform, registration):
    platform.will_say(INIT, BEGUN)
    pending = registration.begin()
    assert pending == PendingRegistration("d-secret", LINK, 5, 600)
    assert "d-secret" not in repr(pending)
    assert "ABCD" not in repr(pending)
    assert {str(request.url) for request in platform.requests} == {
        "https://accounts.feishu.cn/oauth/v1/app/registration"
    }
    forms = [parse_qs(request.content.decode()) for request in platform.requests]
    assert forms[0] == {"action": ["init"]}
    assert forms[1] == {
        "action": ["begin"],
        "archetype": ["PersonalAgent"],
        "auth_method": ["client_secret"],
        "request_user_info": ["open_id tenant_brand"],
    }


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({"expires_in": 300, "interval": 7}, (7, 300)),
        ({"expire_in": 300}, (5, 300)),
        ({"expire_in": "300", "interval": "7"}, (7, 300)),
        ({}, (5, 600)),
        ({"expires_in": 0, "interval": -1}, (5, 600)),
        ({"expires_in": 10**15, "interval": 10**15}, (60, 3600)),
        ({"expires_in": [], "interval": {}}, (5, 600)),
    ],
)
def test_times_are_read_under_either_name_and_within_reason(platform, registration, times, expected):
    begun = {key: value for key, value in BEGUN.items() if key not in {"interval", "expires_in"}}
    platform.will_say(INIT, begun | times)
    pending = registration.begin()
    assert (pending.interval, pending.expires_in) == expected


@pytest.mark.parametrize(
    "answers",
    [
        [{}],
        [{"supported_auth_methods": ["private_key_jwt"]}],
        [{"supported_auth_methods": 7}],
        [INIT, {}],
        [INIT, BEGUN | {"device_code": ""}],
        [INIT, BEGUN | {"device_code": 7}],
        [INIT, BEGUN | {"verification_uri_complete": "javascript:alert(1)"}],
        [INIT, BEGUN | {"verification_uri_complete": "http://[oops"}],
        [INIT, BEGUN | {"verification_uri_complete": None}],
    ],
)
def test_beginning_that_shows_nothing_is_malformed(platform, registration, answers):
    platform.will_say(*answers)
    with pytest.raises(MalformedAnswer):
        registration.begin()


def test_beginning_that_is_refused_says_why(platform, registration):
    platform.will_say(INIT)
    platform.will_say({"error": "access_denied", "error_description": "the tenant forbids it"}, status=400)
    with pytest.raises(OAuthError, match="the tenant forbids it"):
        registration.begin()


def test_platform_that_is_away_is_a_transport_error(platform, registration):
    platform.will(httpx2.ConnectError("no route"))
    with pytest.raises(TransportError):
        registration.begin()


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    "outcome",
    [
        RegistrationStatus.PENDING,
        RegistrationStatus.SLOW_DOWN,
        RegistrationStatus.DENIED,
        RegistrationStatus.EXPIRED,
    ],
)
def test_words_of_the_flow_are_outcomes(platform, registration, outcome, status):
    platform.will_say({"error": outcome.value, "error_description": "…"}, status=status)
    assert registration.poll("d-secret") == RegistrationPoll(outcome)
    assert parse_qs(platform.requests[0].content.decode()) == {
        "action": ["poll"],
        "device_code": ["d-secret"],
    }


def test_confirmed_registration_brings_the_app(platform, registration):
    platform.will_say(APP | {"user_info": {"open_id": "ou_1", "tenant_brand": "feishu"}})
    poll = registration.poll("d")
    assert poll == RegistrationPoll(
        RegistrationStatus.REGISTERED, RegisteredApp("cli_a1b2c3", "the-app-secret", "ou_1", "feishu")
    )
    assert "the-app-secret" not in repr(poll)


@pytest.mark.parametrize("user_info", [None, {}, "ou_1", {"open_id": 7, "tenant_brand": "myspace"}])
def test_app_comes_without_saying_who_made_it(platform, registration, user_info):
    platform.will_say(APP | {"user_info": user_info})
    assert registration.poll("d").app == RegisteredApp("cli_a1b2c3", "the-app-secret", "", "feishu")


@pytest.mark.parametrize("status", [200, 400])
def test_person_on_lark_is_waited_for_there(platform, registration, status):
    lark = {"user_info": {"tenant_brand": "lark"}}
    platform.will_say(lark | {"error": "authorization_pending"}, status=status)
    assert registration.poll("d") == RegistrationPoll(RegistrationStatus.SWITCH_TO_LARK)
    platform.will_say(lark | {"error": "authorization_pending"}, status=status)
    assert registration.poll("d", brand="lark") == RegistrationPoll(RegistrationStatus.PENDING)
    platform.will_say(APP | lark)
    assert registration.poll("d", brand="lark").app.brand == "lark"
    assert [request.url.host for request in platform.requests] == [
        "accounts.feishu.cn",
        "accounts.larksuite.com",
        "accounts.larksuite.com",
    ]


@pytest.mark.parametrize("body", [APP | {"client_secret": ""}, APP | {"client_id": None}, {}, {"code": 0}])
def test_success_without_an_app_is_malformed(platform, registration, body):
    platform.will_say(body)
    with pytest.raises(MalformedAnswer):
        registration.poll("d")


@pytest.mark.parametrize("odd", [7, "x" * 1000, "cli_\n", ["cli_1"], {"id": "cli_1"}])
@pytest.mark.parametrize("key", ["client_id", "client_secret"])
def test_id_or_secret_that_is_none_is_malformed(platform, registration, key, odd):
    platform.will_say(APP | {key: odd})
    with pytest.raises(MalformedAnswer):
        registration.poll("d")


@pytest.mark.parametrize("error", ["invalid_grant", "invalid_request", "tenant_forbidden", "x" * 5000])
def test_other_refusals_are_raised_with_their_word(platform, registration, error):
    platform.will_say({"error": error, "error_description": "because"}, status=400)
    with pytest.raises(OAuthError, match="because") as caught:
        registration.poll("d")
    assert caught.value.error == error[:64]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx2.Response(502, text="<h1>Bad gateway</h1>"), MalformedAnswer),
        (httpx2.Response(302, headers={"Location": "https://login.example.test/"}), MalformedAnswer),
        (httpx2.Response(200, text="[1]"), MalformedAnswer),
        (httpx2.Response(200, text=""), MalformedAnswer),
        (httpx2.Response(429, headers={"Retry-After": "9"}), RateLimited),
        (httpx2.Response(500, json={"code": 50000, "msg": "internal"}), FeishuError),
        (httpx2.ReadTimeout("late"), TransportError),
    ],
)
def test_whatever_else_answers_is_an_error_of_its_kind(platform, registration, answer, error):
    platform.will(answer)
    with pytest.raises(error):
        registration.poll("d")


def test_no_error_shows_the_secret_or_the_device_code(platform, registration):
    half = json.dumps(APP)[:-1]
    answers = [httpx2.Response(200, text=half), httpx2.Response(200, json=APP | {"client_id": 7})]
    platform.will(*answers, httpx2.ConnectError("no route"))
    device_code = secrets.token_hex()
    for _ in range(3):
        with pytest.raises(FeishuError) as caught:
            registration.poll(device_code)
        shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
        assert "the-app-secret" not in shown
        assert device_code not in shown


@FUZZ
@given(body=values)
def test_no_answer_makes_it_crash(body):
    content = httpx2.Response(200, content=body.encode("utf-8", "surrogatepass"))
    with httpx2.Client(transport=httpx2.MockTransport(lambda _request: content)) as client:
        registration = AppRegistration(transport=Transport(client))
        for ask in (registration.begin, lambda: registration.poll("d")):
            try:
                ask()
            except FeishuError:
                continue


def decoded(encoded: str) -> dict:
    return json.loads(gzip.decompress(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))))


def test_qr_address_is_the_sdk_s(sdk):
    from lark_oapi.scene.registration import _SyncFlow

    addons = {
        "preset": False,
        "scopes": {"tenant": ["im:message"], "user": ["offline_access"]},
        "events": {"items": {"tenant": ["im.message.receive_v1"]}},
        "callbacks": {"items": ["card.action.trigger"]},
    }
    flow = _SyncFlow(
        None,
        None,
        "feishu-portal",
        None,
        "",
        "",
        app_preset={"name": "{user}的机器人", "desc": "a & b"},
        addons=addons,
        create_only=True,
        app_id="cli_1",
    )
    ours = qr_address(
        LINK,
        name="{user}的机器人",
        description="a & b",
        addons=Addons(
            tenant_scopes=("im:message",),
            user_scopes=("offline_access",),
            tenant_events=("im.message.receive_v1",),
            callbacks=("card.action.trigger",),
            preset=False,
        ),
        create_only=True,
        app_id="cli_1",
    )
    wanted, made = urlsplit(flow._build_qr_url(LINK)), urlsplit(ours)
    assert made[:3] == wanted[:3]
    assert parse_qs(made.query) == parse_qs(wanted.query)
    assert decoded(parse_qs(made.query)["addons"][0]) == addons


def test_nothing_asked_for_is_left_out_of_the_address():
    assert Addons().encoded() == ""
    assert "addons" not in qr_address(LINK, addons=Addons())
    assert decoded(Addons(preset=False).encoded()) == {"preset": False}
    assert parse_qs(urlsplit(qr_address(LINK)).query).keys() == {"user_code", "from", "tp", "source"}
