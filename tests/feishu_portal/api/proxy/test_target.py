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
    assert (target.app_id, target.person, target.method) == (BOT, "ou_1", "GET")
    assert target.segments == ("open-apis", "task", "v2", "tasks")
    assert target.address == "/open-apis/task/v2/tasks?a=1&b=%E4%BB%BB"


def test_target_of_the_bot():
    assert read(f"/proxy/{BOT}/app/open-apis/im/v1/chats").person == ""


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
        ("/open-apis/x/", "/open-apis/x"),
        ("/open-apis/sheets/v2/values/表1!A1:B2", "/open-apis/sheets/v2/values/%E8%A1%A81!A1:B2"),
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
        "/open-apis/x//",
        "/open-apis/x/%",
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
        "/open-apis/auth/v3/tenant_access_token",
        "/open-apis/auth/v3/app_ticket/resend",
        "/open-apis/auth/v3/tenant_access_token/internal/x",
        "/open-apis/Auth/v3/tenant_access_token/internal",
        "/open-apis/authen/v1/user_info",
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


@pytest.mark.parametrize("query", ["a=1\r\nHost: evil.test", "a b", "a=#x", "a=\x00", "a=\x7f"])
def test_query_that_is_none_is_refused(query):
    assert refusal(f"/proxy/{BOT}/app/open-apis/x/y", query=query) == (400, "invalid_query")


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"])
def test_methods_of_no_api_are_refused(method):
    assert refusal(f"/proxy/{BOT}/app/open-apis/x/y", method=method) == (405, "method_not_allowed")


def test_address_has_a_length():
    path = f"/proxy/{BOT}/app/open-apis/{'x' * 9000}"
    assert refusal(path) == (414, "address_too_long")


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        (
            'filter=CurrentValue.[状态]="完成"',
            "filter=CurrentValue.[%E7%8A%B6%E6%80%81]=%22%E5%AE%8C%E6%88%90%22",
        ),
        ("q=é&page_size=5", "q=%C3%A9&page_size=5"),
        ("q=%22a%22", "q=%22a%22"),
        ('{"a":[1]}', "{%22a%22:[1]}"),
    ],
)
def test_query_is_encoded_where_nobody_has(written, sent):
    assert read(f"/proxy/{BOT}/app/open-apis/x/y", query=written).query == sent


def test_token_in_the_query_is_found_behind_quotes():
    assert refusal(f"/proxy/{BOT}/app/open-apis/x/y", query='a="1"&access_token=x') == (400, "token_in_query")


@pytest.mark.parametrize("slash", ["", "/"])
def test_who_am_i_passes(slash):
    target = read(f"/proxy/{BOT}/users/ou_1/open-apis/authen/v1/user_info{slash}")
    assert target.path == "/open-apis/authen/v1/user_info"


@pytest.mark.parametrize("kind", ["tenant_access_token", "app_access_token"])
@pytest.mark.parametrize("whose", ["app", "users/ou_1"])
def test_first_call_of_an_sdk_is_known(kind, whose):
    path = f"/proxy/{BOT}/{whose}/open-apis/auth/v3/{kind}/internal/"
    assert read(path, method="POST").asks_for_app_token
    assert refusal(path, method="GET") == (403, "path_not_allowed")


@pytest.mark.parametrize(
    ("written", "person"),
    [
        ("on_1", "on_1"),
        ("e33ggbyz", "e33ggbyz"),
        ("li.lei%40example.com", "li.lei@example.com"),
        ("a@b.cn", "a@b.cn"),
        ("a%2Bb@c.cn", "a+b@c.cn"),
    ],
)
def test_person_may_be_named_by_any_id(written, person):
    assert read(f"/proxy/{BOT}/users/{written}/open-apis/x").person == person


@pytest.mark.parametrize(
    "written", ["..", ".", "%2e%2e", "a%2Fb", "a%5Cb", "a%00", "a b", "%E4%BB%BB", "%FF", "a" * 129]
)
def test_person_is_an_id_alone(written):
    assert refusal(f"/proxy/{BOT}/users/{written}/open-apis/x") == (404, "not_found")
