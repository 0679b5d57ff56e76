import base64
import hashlib
import json
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from feishu.credentials import AppCredentials
from feishu.errors import (
    APIError,
    InvalidToken,
    MalformedAnswer,
    OAuthError,
    RateLimited,
    TransportError,
)
from feishu.oauth import OAuth, Pkce, TokenSet, UserInfo, authorize_url
from feishu.platforms import FEISHU, Platform
from feishu.reasons import Reason

TOKENS = {
    "code": 0,
    "access_token": "eyJ.at",
    "expires_in": 7200,
    "refresh_token": "eyJ.rt",
    "refresh_token_expires_in": 604800,
    "token_type": "Bearer",
    "scope": "offline_access contact:user.base:readonly",
}


@pytest.fixture
def oauth(transport, credentials) -> OAuth:
    return OAuth(credentials, transport)


def test_a_challenge_is_the_hash_of_its_verifier():
    pair = Pkce.new()
    assert 43 <= len(pair.verifier) <= 128
    digest = hashlib.sha256(pair.verifier.encode()).digest()
    assert base64.urlsafe_b64decode(pair.challenge + "=") == digest
    assert pair.verifier not in repr(pair)
    assert Pkce.new() != pair


def test_the_consent_page_gets_all_it_needs():
    url = authorize_url(
        FEISHU,
        app_id="cli_a",
        redirect_uri="https://p.test/cb?x=1",
        scopes=["offline_access", "im:message"],
        state="s t",
        challenge="ch",
    )
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == FEISHU.authorize_url
    assert parse_qs(parts.query) == {
        "client_id": ["cli_a"],
        "response_type": ["code"],
        "redirect_uri": ["https://p.test/cb?x=1"],
        "scope": ["offline_access im:message"],
        "state": ["s t"],
        "code_challenge": ["ch"],
        "code_challenge_method": ["S256"],
    }
    assert "offline_access%20im%3Amessage" in url


def test_the_consent_page_can_do_without_scopes():
    url = authorize_url(FEISHU, app_id="a", redirect_uri="r", scopes=[], state="s", challenge="c")
    assert "scope" not in parse_qs(urlsplit(url).query)


def test_more_scopes_than_the_platform_takes_are_refused():
    with pytest.raises(ValueError, match="50"):
        authorize_url(FEISHU, app_id="a", redirect_uri="r", scopes=["s"] * 51, state="s", challenge="c")


def test_a_code_is_exchanged(platform, oauth):
    platform.will_say(TOKENS)
    tokens = oauth.exchange_code(code="Zx_9", redirect_uri="https://p.test/cb", verifier="v" * 43)
    assert str(platform.requests[0].url) == "https://accounts.feishu.cn/oauth/v3/token"
    assert platform.sent_json() == {
        "grant_type": "authorization_code",
        "client_id": "cli_a1b2c3d4e5f60718",
        "client_secret": "s3cr3t",
        "code": "Zx_9",
        "redirect_uri": "https://p.test/cb",
        "code_verifier": "v" * 43,
    }
    assert tokens == TokenSet(
        access_token="eyJ.at",
        expires_in=7200,
        refresh_token="eyJ.rt",
        refresh_token_expires_in=604800,
        scopes=("offline_access", "contact:user.base:readonly"),
        token_type="Bearer",
    )


def test_tokens_do_not_show(platform, oauth):
    platform.will_say(TOKENS)
    shown = repr(oauth.refresh("eyJ.old"))
    assert "eyJ" not in shown
    assert "7200" in shown


def test_a_refresh_token_is_spent_once(platform, oauth):
    platform.will_say(TOKENS)
    oauth.refresh("eyJ.old")
    assert platform.sent_json()["grant_type"] == "refresh_token"
    assert platform.sent_json()["refresh_token"] == "eyJ.old"


def test_the_older_endpoint_can_be_chosen(platform, transport):
    older = AppCredentials("cli_a", "s", Platform("https://o.test", "https://a.test", "v2"))
    platform.will_say(TOKENS)
    OAuth(older, transport).refresh("r")
    assert str(platform.requests[0].url) == "https://o.test/open-apis/authen/v2/oauth/token"


def v1(transport) -> OAuth:
    return OAuth(
        AppCredentials("cli_a", "s3cr3t", Platform("https://o.test", "https://a.test", "v1")), transport
    )


APP_TOKEN = {"code": 0, "msg": "ok", "app_access_token": "a-1", "tenant_access_token": "t-1", "expire": 7140}


def test_oldest_endpoint_takes_the_apps_own_token_for_a_code(platform, transport):
    nested = {
        "access_token": "u-1",
        "refresh_token": "ur-1",
        "expires_in": 7199,
        "refresh_expires_in": 2591999,
    }
    platform.will_say(APP_TOKEN, {"code": 0, "msg": "success", "data": nested})
    tokens = v1(transport).exchange_code(code="Zx_9", redirect_uri="https://p.test/cb", verifier="v" * 43)
    asked, sent = platform.requests
    assert str(asked.url) == "https://o.test/open-apis/auth/v3/app_access_token/internal"
    assert platform.sent_json(0) == {"app_id": "cli_a", "app_secret": "s3cr3t"}
    assert str(sent.url) == "https://o.test/open-apis/authen/v1/oidc/access_token"
    assert sent.headers["authorization"] == "Bearer a-1"
    assert platform.sent_json(1) == {"grant_type": "authorization_code", "code": "Zx_9"}
    assert (tokens.access_token, tokens.refresh_token) == ("u-1", "ur-1")
    assert (tokens.expires_in, tokens.refresh_token_expires_in) == (7199, 2591999)


def test_oldest_endpoint_refreshes(platform, transport):
    platform.will_say(APP_TOKEN, {"code": 0, "data": {"access_token": "u-2", "refresh_token": "ur-2"}})
    assert v1(transport).refresh("ur-1").refresh_token == "ur-2"
    assert str(platform.requests[1].url) == "https://o.test/open-apis/authen/v1/oidc/refresh_access_token"
    assert platform.sent_json(1) == {"grant_type": "refresh_token", "refresh_token": "ur-1"}


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.ReadTimeout("slow"),
        httpx2.Response(502, text="<html>"),
        httpx2.Response(503, json={"message": "no healthy upstream"}),
        httpx2.Response(200, json={"code": 0}),
        httpx2.Response(302, headers={"Location": "https://login.test/?t=1"}),
    ],
)
def test_refresh_token_is_not_sent_where_the_apps_own_token_cannot_be_had(platform, transport, answer):
    platform.will(answer)
    with pytest.raises((TransportError, MalformedAnswer)) as caught:
        v1(transport).refresh("ur-1")
    assert caught.value.sent == "no"
    assert len(platform.requests) == 1


def test_app_that_the_oldest_endpoint_refuses_is_refused_by_its_code(platform, transport):
    platform.will_say({"code": 10014, "msg": "app secret invalid"})
    with pytest.raises(OAuthError) as caught:
        v1(transport).refresh("ur-1")
    assert caught.value.code == 10014


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(404, html="<html>404 page not found</html>"),
        httpx2.Response(404, text="404 page not found"),
        httpx2.Response(404, json={"detail": "Not Found"}),
        httpx2.Response(404, json={"code": 404}),
        httpx2.Response(404, json={"code": 99991201, "msg": "api not found"}),
        httpx2.Response(405, text=""),
    ],
)
def test_host_without_such_an_endpoint_is_called_that(platform, oauth, answer):
    platform.will(answer)
    with pytest.raises(MalformedAnswer) as caught:
        oauth.refresh("r")
    assert caught.value.reason is Reason.NO_ENDPOINT
    assert "v1" in caught.value.info.cure.en_us


SHAPES = {
    "nested": {"code": 0, "msg": "success", "data": {key: TOKENS[key] for key in TOKENS if key != "code"}},
    "nested elsewhere": {"code": "0", "result": {**TOKENS}},
    "float": {**TOKENS, "expires_in": 7200.0, "refresh_token_expires_in": 604800.0},
    "text": {**TOKENS, "code": "0", "expires_in": "7200", "refresh_token_expires_in": " 604800.0 "},
    "other name": {key: TOKENS[key] for key in TOKENS if key != "refresh_token_expires_in"}
    | {"refresh_expires_in": 604800},
    "no lifetime": {key: TOKENS[key] for key in TOKENS if key != "expires_in"},
    "nothing said": {**TOKENS, "expires_in": None},
    "zero": {**TOKENS, "expires_in": 0},
    "words": {**TOKENS, "expires_in": "two hours"},
    "endless": {**TOKENS, "expires_in": float("nan")},
    "list": {**TOKENS, "scope": ["offline_access", "contact:user.base:readonly", 7]},
    "commas": {**TOKENS, "scope": "offline_access,contact:user.base:readonly"},
    "no texts": {
        **TOKENS,
        "scope": "offline_access contact:user.base:readonly a\x00b \ud800",
        "token_type": "\ud800",
    },
    "JSON text": {**TOKENS, "scope": '["offline_access", "contact:user.base:readonly"]'},
    "semicolons": {**TOKENS, "scope": "offline_access;contact:user.base:readonly"},
    "Chinese commas": {**TOKENS, "scope": "offline_access，contact:user.base:readonly"},
    "pluses": {**TOKENS, "scope": "offline_access+contact:user.base:readonly"},
    "commas and blanks": {**TOKENS, "scope": " offline_access, contact:user.base:readonly,"},
}


@pytest.mark.parametrize("body", SHAPES.values(), ids=SHAPES)
def test_answer_of_another_shape_says_the_same(platform, oauth, body):
    platform.will(httpx2.Response(200, content=json.dumps(body).encode()))
    tokens = oauth.refresh("r")
    assert (tokens.access_token, tokens.expires_in) == ("eyJ.at", 7200)
    assert (tokens.refresh_token, tokens.refresh_token_expires_in) == ("eyJ.rt", 604800)
    assert tokens.scopes == ("offline_access", "contact:user.base:readonly")


@pytest.mark.parametrize("lifetime", [10**300, float("inf"), 1e300])
def test_absurd_lifetime_costs_no_tokens(platform, oauth, lifetime):
    platform.will(httpx2.Response(200, content=json.dumps({**TOKENS, "expires_in": lifetime}).encode()))
    assert oauth.refresh("r").expires_in == 10**10


def test_without_offline_access_there_is_no_refresh_token(platform, oauth):
    platform.will_say({"code": 0, "access_token": "a", "expires_in": "7200", "refresh_token": ""})
    tokens = oauth.refresh("r")
    assert (tokens.expires_in, tokens.refresh_token, tokens.refresh_token_expires_in) == (7200, None, None)
    assert (tokens.scopes, tokens.token_type) == ((), "Bearer")


@pytest.mark.parametrize(
    "body",
    [
        {"code": 0},
        {**TOKENS, "access_token": ""},
        {**TOKENS, "access_token": "eyJ\ud800.at"},
        {**TOKENS, "access_token": "eyJ\x00.at"},
        {**TOKENS, "access_token": {"value": "eyJ.at"}},
        {"status": "login required"},
        {"code": 0, "data": [TOKENS]},
    ],
)
def test_an_answer_without_tokens_leaves_open_what_happened(platform, oauth, body):
    platform.will(httpx2.Response(200, content=json.dumps(body).encode()))
    with pytest.raises(MalformedAnswer) as caught:
        oauth.refresh("r")
    assert caught.value.sent == "unknown"


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"code": 20064, "error": "invalid_grant", "error_description": "revoked"}, "invalid_grant"),
        (500, {"code": 20050, "error": "server_error", "error_description": "oops"}, "server_error"),
        (400, {"error": "invalid_grant"}, "invalid_grant"),
        (400, {"code": 20073}, ""),
        (200, {"code": 20005, "msg": "no"}, ""),
    ],
)
def test_a_refusal_of_the_token_endpoint_is_an_oauth_error(platform, oauth, status, body, error):
    platform.will_say(body, status=status, headers={"X-Tt-Logid": "L1"})
    with pytest.raises(OAuthError) as caught:
        oauth.refresh("r")
    assert (caught.value.code, caught.value.error) == (body.get("code"), error)
    assert (caught.value.log_id, caught.value.http_status) == ("L1", status)


def test_a_rate_limit_stays_one(platform, oauth):
    platform.will_say({"code": 99991400, "msg": "slow"}, status=429, headers={"x-ogw-ratelimit-reset": "3"})
    with pytest.raises(RateLimited) as caught:
        oauth.refresh("r")
    assert caught.value.reset_after == 3.0


@pytest.mark.parametrize("failure", [httpx2.ReadTimeout("slow"), httpx2.ConnectError("down")])
def test_nothing_is_retried(platform, oauth, failure):
    platform.will(failure, httpx2.Response(200, json=TOKENS))
    with pytest.raises(TransportError):
        oauth.refresh("r")
    assert len(platform.requests) == 1


def test_no_error_repeats_a_secret(platform, oauth):
    platform.will(httpx2.ReadError("reset"))
    with pytest.raises(TransportError) as caught:
        oauth.refresh("eyJ.old")
    assert "eyJ.old" not in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"code":0}'])
def test_a_token_is_revoked(platform, oauth, content):
    platform.will(httpx2.Response(200, content=content))
    oauth.revoke("eyJ.rt", "refresh_token")
    request = platform.requests[0]
    assert str(request.url) == "https://accounts.feishu.cn/oauth/v1/revoke"
    assert parse_qs(request.content.decode()) == {
        "client_id": ["cli_a1b2c3d4e5f60718"],
        "client_secret": ["s3cr3t"],
        "token": ["eyJ.rt"],
        "token_type_hint": ["refresh_token"],
    }


@pytest.mark.parametrize("status", [302, 400, 500, 502])
def test_revocation_counts_under_a_good_status_alone(platform, oauth, status):
    platform.will(httpx2.Response(status, json={"code": 0, "msg": "success"}))
    with pytest.raises(MalformedAnswer):
        oauth.revoke("t", "refresh_token")


@pytest.mark.parametrize("body", [{"code": 20002, "msg": "no"}, {"error": "invalid_client"}])
def test_a_refused_revocation_is_an_oauth_error(platform, oauth, body):
    platform.will_say(body)
    with pytest.raises(OAuthError):
        oauth.revoke("t", "access_token")


def test_a_user_is_described(platform, oauth):
    data = {
        "open_id": "ou_1",
        "union_id": "on_1",
        "user_id": "u1001",
        "tenant_key": "tk",
        "name": "Li Lei",
        "en_name": "Leo Li",
        "avatar_url": "https://img.test/a",
        "avatar_thumb": "https://img.test/72",
        "email": "leo@example.test",
    }
    platform.will_say({"code": 0, "data": data})
    assert oauth.user_info("eyJ.at") == UserInfo(
        "ou_1", "on_1", "u1001", "tk", "Li Lei", "Leo Li", "https://img.test/72", "leo@example.test"
    )
    assert str(platform.requests[0].url) == "https://open.feishu.cn/open-apis/authen/v1/user_info"
    assert platform.requests[0].headers["authorization"] == "Bearer eyJ.at"


def test_what_the_app_may_not_see_is_empty(platform, oauth):
    platform.will_say({"code": 0, "data": {"open_id": "ou_1", "user_id": "", "name": None}})
    assert oauth.user_info("a") == UserInfo("ou_1", "", None, "", "", "", "")


@pytest.mark.parametrize(("code", "kind"), [(20005, InvalidToken), (20021, APIError), (20008, APIError)])
def test_a_user_info_failure_comes_with_http_200(platform, oauth, code, kind):
    platform.will_say({"code": code, "msg": "no"})
    with pytest.raises(kind) as caught:
        oauth.user_info("a")
    assert caught.value.code == code


def test_a_user_may_be_described_without_a_wrapping(platform, oauth):
    platform.will_say({"code": 0, "open_id": "ou_1", "user_id": 1001, "tenant_key": "tk"})
    assert oauth.user_info("a") == UserInfo("ou_1", "", "1001", "tk", "", "", "")


@pytest.mark.parametrize("odd", ["x" * 65, "x\x00y", "\ud800", {"id": "on_1"}, True, None])
def test_what_cannot_be_an_id_is_none(platform, oauth, odd):
    data = {"open_id": "ou_1", "union_id": odd, "user_id": odd, "tenant_key": odd}
    platform.will(httpx2.Response(200, content=json.dumps({"code": 0, "data": data}).encode()))
    assert oauth.user_info("a") == UserInfo("ou_1", "", None, "", "", "", "")


@pytest.mark.parametrize("data", [{}, {"open_id": ""}, {"open_id": "ou_" + "1" * 64}, {"open_id": "ou_\x00"}])
def test_a_user_without_an_open_id_is_malformed(platform, oauth, data):
    platform.will_say({"code": 0, "data": data})
    with pytest.raises(MalformedAnswer):
        oauth.user_info("a")
