"""Every way to write an address that could mean another one."""

from urllib.parse import unquote

import pytest

from feishu_portal.api.problems import Problem
from feishu_portal.api.proxy.target import read_target

BOT = "cli_a1b2c3d4e5f60718"


def read(path: str, *, query: str = "", method: str = "GET", root: str = ""):
    scope = {
        "type": "http",
        "method": method,
        "path": root + unquote(path),
        "raw_path": (root + path).encode(),
        "query_string": query.encode(),
        "root_path": root,
    }
    return read_target(scope)


def refusal(path: str, **values) -> tuple[int, str]:
    with pytest.raises(Problem) as refused:
        read(path, **values)
    return refused.value.status, refused.value.code


def test_target_of_a_user():
    target = read(f"/proxy/{BOT}/users/ou_1/open-apis/task/v2/tasks", query="a=1&b=%E4%BB%BB")
    assert (target.app_id, target.open_id, target.method) == (BOT, "ou_1", "GET")
    assert target.segments == ("open-apis", "task", "v2", "tasks")
    assert target.address == "/open-apis/task/v2/tasks?a=1&b=%E4%BB%BB"


def test_target_of_the_bot():
    assert read(f"/proxy/{BOT}/app/open-apis/im/v1/chats").open_id == ""


def test_portal_may_stand_behind_a_prefix():
    assert read(f"/proxy/{BOT}/app/open-apis/im/v1/chats", root="/portal").path == "/open-apis/im/v1/chats"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("/open-apis/sheets/v2/spreadsheets/sht/values/0b12!A1:B2", "/open-apis/sheets/v2/spreadsheets/sht/values/0b12!A1:B2"),
        ("/open-apis/x/%e4%bb%bb", "/open-apis/x/%E4%BB%BB"),
        ("/open-apis/x/a%20b", "/open-apis/x/a%20b"),
        ("/open-apis/%78/y", "/open-apis/x/y"),
        ("/open-apis/x/a@b.test", "/open-apis/x/a@b.test"),
        ("/open-apis/x/...", "/open-apis/x/..."),
    ],
)  # fmt: skip
def test_what_is_sent_is_what_was_checked(written, sent):
    assert read(f"/proxy/{BOT}/app{written}").path == sent


@pytest.mark.parametrize(
    "path",
    [
        "/open-apis/../../oauth/v3/token",
        "/open-apis/x/..",
        "/open-apis/./x",
        "/open-apis/%2e%2e/x",
        "/open-apis/%2E./x",
        "/open-apis/x/%252e%252e/y",
        "/open-apis/x%2fy",
        "/open-apis/x%2Fy",
        "/open-apis/x%5cy",
        "/open-apis/x\\y",
        "/open-apis//x",
        "/open-apis/x//y",
        "/open-apis/x/",
        "/open-apis/x;y",
        "/open-apis/x;/../y",
        "/open-apis/x%3by",
        "/open-apis/x%00",
        "/open-apis/x%0d%0aHost:evil.test",
        "/open-apis/x%7f",
        "/open-apis/x%",
        "/open-apis/x%2",
        "/open-apis/x%zz",
        "/open-apis/x%c0%ae%c0%ae/y",
        "/open-apis/x%c0%af",
        "/open-apis/x%ff",
        "/open-apis/%ef%bc%8e%ef%bc%8e/x",
        "/open-apis/x%ef%bc%8fy",
        "/open-apis/x%3fy",
        "/open-apis/x%23y",
        "/open-apis/x y",
        "/open-apis/x|y",
        "/open-apis/x<y>",
        "/open-apis/é",
    ],
)
def test_path_that_two_readers_could_read_differently_is_refused(path):
    assert refusal(f"/proxy/{BOT}/app{path}") == (400, "invalid_path")


@pytest.mark.parametrize(
    "path",
    [
        f"/proxy/{BOT}/app",
        f"/proxy/{BOT}/app/",
        f"/proxy/{BOT}/app/open-apis",
        f"/proxy/{BOT}/app/oauth/v3/token",
        f"/proxy/{BOT}/app/callback/ws/endpoint",
        f"/proxy/{BOT}/app/open-apis@evil.test/x",
        f"/proxy/{BOT}/app/http://evil.test/open-apis/x",
        f"/proxy/{BOT}/app//evil.test/open-apis/x",
        f"/proxy/{BOT}/users//open-apis/x",
        f"/proxy/{BOT}/users/../app/open-apis/x",
        f"/proxy/{BOT}/users/ou_1%2F..%2Fapp/open-apis/x",
        f"/proxy/{BOT}/users/open-apis/x",
        f"/proxy/{BOT}/admin/open-apis/x",
        "/proxy/evil.test/app/open-apis/x",
        f"/proxy/../{BOT}/app/open-apis/x",
        f"/%70roxy/{BOT}/app/open-apis/x",
        f"/proxy/{BOT}%2fapp/open-apis/x",
        "http://evil.test/proxy/cli_1/app/open-apis/x",
    ],
)
def test_path_of_another_shape_is_not_there(path):
    assert refusal(path) == (404, "not_found")


@pytest.mark.parametrize(
    "path",
    [
        "/open-apis/auth/v3/tenant_access_token/internal",
        "/open-apis/auth/v3/app_access_token/internal",
        "/open-apis/AUTH/v3/tenant_access_token",
        "/open-apis/%61uth/v3/tenant_access_token",
        "/open-apis/authen/v2/oauth/token",
        "/open-apis/authen/v1/oidc/refresh_access_token",
        "/open-apis/Authen/v1/user_info",
        "/open-apis/%ef%bd%81uthen/v1/user_info",
        "/open-apis/oauth/v1/revoke",
        "/open-apis/passport/v1/sessions/logout",
        "/open-apis/suite/passport/oauth/token",
        "/open-apis/mina/v2/tokenLoginValidate",
    ],
)
def test_nobody_asks_for_tokens_past_the_portal(path):
    assert refusal(f"/proxy/{BOT}/app{path}", method="POST") == (403, "path_not_allowed")


@pytest.mark.parametrize(
    "path", ["/open-apis/authx/v1", "/open-apis/suite/docs-api/meta", "/open-apis/im/v1/auth"]
)
def test_names_that_only_look_alike_are_allowed(path):
    assert read(f"/proxy/{BOT}/app{path}").path == path


@pytest.mark.parametrize(
    "query", ["access_token=x", "a=1&Access_Token=x", "user_access_token", "%61ccess_token=x", "app_secret=x"]
)
def test_token_in_the_query_is_refused(query):
    assert refusal(f"/proxy/{BOT}/app/open-apis/x/y", query=query) == (400, "token_in_query")


@pytest.mark.parametrize("query", ["a=1\r\nHost: evil.test", "a b", 'a="', "a=é", "a=#x", "a=\x00"])
def test_query_that_is_none_is_refused(query):
    assert refusal(f"/proxy/{BOT}/app/open-apis/x/y", query=query) == (400, "invalid_query")


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"])
def test_methods_of_no_api_are_refused(method):
    assert refusal(f"/proxy/{BOT}/app/open-apis/x/y", method=method) == (405, "method_not_allowed")


def test_address_has_a_length():
    path = f"/proxy/{BOT}/app/open-apis/{'x' * 9000}"
    assert refusal(path) == (414, "address_too_long")
