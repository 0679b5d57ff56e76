import json

import pytest

from feishu.app_info import AppInfo, AppScope
from feishu.errors import APIError, InvalidToken, MalformedAnswer, MissingScope
from feishu.openapi import BotInfo, OpenAPI, SentMessage, agreed_id_type
from feishu.tenant_tokens import TenantTokens

TOKEN = {"code": 0, "tenant_access_token": "t-1", "expire": 7200}
NEW_TOKEN = {"code": 0, "tenant_access_token": "t-2", "expire": 7200}
SENT = {"code": 0, "data": {"message_id": "om_1", "chat_id": "oc_1"}}
REJECTED = {"code": 99991663, "msg": "invalid access token"}


@pytest.fixture
def api(transport, credentials) -> OpenAPI:
    return OpenAPI(credentials, transport, TenantTokens(transport))


def test_a_call_carries_the_apps_token(platform, api):
    platform.will_say(TOKEN, {"code": 0, "data": {"items": []}})
    assert api.call("GET", "/open-apis/x/v1/y", params={"a": 1}) == {"code": 0, "data": {"items": []}}
    assert str(platform.requests[1].url) == "https://open.feishu.cn/open-apis/x/v1/y?a=1"
    assert platform.requests[1].headers["authorization"] == "Bearer t-1"


@pytest.mark.parametrize("code", [99991663, 99991664, 20013, 20014])
def test_a_rejected_token_is_replaced_once(platform, api, code):
    platform.will_say(TOKEN, {"code": code, "msg": "no"}, NEW_TOKEN, SENT)
    assert api.send_text("ou_1", "hi").message_id == "om_1"
    assert platform.requests[1].headers["authorization"] == "Bearer t-1"
    assert platform.requests[3].headers["authorization"] == "Bearer t-2"
    assert platform.requests[3].content == platform.requests[1].content


def test_a_token_rejected_twice_is_a_failure(platform, api):
    platform.will_say(TOKEN, REJECTED, NEW_TOKEN, REJECTED)
    with pytest.raises(InvalidToken):
        api.call("GET", "/open-apis/x")
    assert len(platform.requests) == 4


@pytest.mark.parametrize("code", [99991661, 99991668, 99991672, 230001])
def test_other_refusals_are_not_retried(platform, api, code):
    platform.will_say(TOKEN, {"code": code, "msg": "no"})
    with pytest.raises(APIError) as caught:
        api.call("GET", "/open-apis/x")
    assert caught.value.code == code
    assert len(platform.requests) == 2


@pytest.mark.parametrize("path", ["open-apis/x", "@evil.test/x", "", ".evil.test/"])
def test_a_path_that_could_lead_to_another_host_is_refused(platform, api, path):
    with pytest.raises(ValueError, match="path"):
        api.call("GET", path)
    assert platform.requests == []


@pytest.mark.parametrize(
    ("address", "said", "seen"),
    [
        ("oc_1", "open_id", "a chat_id"), ("ou_1", "chat_id", "an open_id"), ("on_1", "open_id", "a union_id"),
        ("a@example.com", "open_id", "an email"), ("e33ggbyz", "email", "a user_id"), ("ou_1", "user_id", "an open_id"),
    ],
)  # fmt: skip
def test_address_that_looks_like_another_kind_is_refused(address, said, seen):
    with pytest.raises(ValueError, match=f"looks like {seen}, receive_id_type says {said}"):
        agreed_id_type(address, said)


@pytest.mark.parametrize(
    ("address", "said"), [("ou_1", "open_id"), ("e33ggbyz", "user_id"), ("a@b", "user_id"), ("a@b", "email")]
)
def test_address_of_the_kind_that_is_said_is_one(address, said):
    assert agreed_id_type(address, said) == said


def test_a_text_is_sent(platform, api):
    platform.will_say(TOKEN, SENT)
    assert api.send_text("oc_1", "你好", receive_id_type="chat_id", uuid="k1") == SentMessage("om_1", "oc_1")
    request = platform.requests[1]
    assert str(request.url) == "https://open.feishu.cn/open-apis/im/v1/messages?receive_id_type=chat_id"
    assert platform.sent_json() == {
        "receive_id": "oc_1",
        "msg_type": "text",
        "content": '{"text":"你好"}',
        "uuid": "k1",
    }


def test_a_card_is_sent(platform, api):
    platform.will_say(TOKEN, SENT)
    api.send_card("ou_1", {"schema": "2.0"})
    assert platform.sent_json() == {
        "receive_id": "ou_1",
        "msg_type": "interactive",
        "content": '{"schema":"2.0"}',
    }


def test_a_reply_goes_to_its_message(platform, api):
    platform.will_say(TOKEN, SENT)
    assert api.reply("om/../9", "text", {"text": "x"}, in_thread=True, uuid="k") == SentMessage(
        "om_1", "oc_1"
    )
    assert platform.requests[1].url.raw_path == b"/open-apis/im/v1/messages/om%2F..%2F9/reply"
    assert platform.sent_json() == {
        "msg_type": "text",
        "content": '{"text":"x"}',
        "reply_in_thread": True,
        "uuid": "k",
    }


@pytest.mark.parametrize("uuid", ["", "x" * 51])
def test_an_impossible_uuid_is_refused_before_sending(platform, api, uuid):
    with pytest.raises(ValueError, match="uuid"):
        api.send_text("ou_1", "x", uuid=uuid)
    assert platform.requests == []


@pytest.mark.parametrize("data", [None, {}, {"message_id": ""}, {"message_id": 7}])
def test_a_sent_message_without_an_id_is_malformed(platform, api, data):
    platform.will_say(TOKEN, {"code": 0, "data": data})
    with pytest.raises(MalformedAnswer):
        api.send_text("ou_1", "x")


def test_a_card_is_patched(platform, api):
    platform.will_say(TOKEN, {"code": 0, "data": {}})
    api.patch_card("om_1", {"schema": "2.0"})
    request = platform.requests[1]
    assert (request.method, request.url.path) == ("PATCH", "/open-apis/im/v1/messages/om_1")
    assert platform.sent_json() == {"content": '{"schema":"2.0"}'}


def message(**values: object) -> dict[str, object]:
    return {
        "code": 0,
        "data": {"items": [{"msg_type": "interactive", "body": {"content": '{"a":1}'}} | values]},
    }


def test_a_card_is_sent_and_patched_within_the_time_that_is_given(platform, api):
    platform.will_say(TOKEN, SENT, {"code": 0, "data": {}})
    api.send_card("oc_1", {"schema": "2.0"}, timeout=5)
    api.patch_card("om_1", {"schema": "2.0"}, timeout=4)
    sent, patched = (request.extensions["timeout"]["read"] for request in platform.requests[1:])
    assert 0 < patched <= 4
    assert 0 < sent <= 5


def test_a_card_is_read_as_it_was_sent(platform, api):
    platform.will_say(TOKEN, message())
    assert api.card("om_1", timeout=1.0) == {"a": 1}
    request = platform.requests[1]
    assert (request.method, request.url.path) == ("GET", "/open-apis/im/v1/messages/om_1")
    assert dict(request.url.params) == {"card_msg_content_type": "user_card_content"}


@pytest.mark.parametrize(
    "answer",
    [
        {"code": 0, "data": {}},
        {"code": 0, "data": {"items": []}},
        {"code": 0, "data": {"items": [None]}},
        message(msg_type="text"),
        message(body=None),
        message(body={"content": "no json"}),
        message(body={"content": "[1]"}),
    ],
)
def test_a_message_that_is_no_card_is_malformed(platform, api, answer):
    platform.will_say(TOKEN, answer)
    with pytest.raises(MalformedAnswer):
        api.card("om_1")


def test_a_clicked_card_is_updated_with_its_token(platform, api):
    platform.will_say(TOKEN, {"code": 0, "msg": "ok"})
    api.update_card_by_token("c-1", {"schema": "2.0"})
    assert platform.requests[1].url.path == "/open-apis/interactive/v1/card/update"
    assert platform.sent_json() == {"token": "c-1", "card": {"schema": "2.0"}}


def test_the_bot_is_described(platform, api):
    bot = {"activate_status": 2, "app_name": "Helper", "avatar_url": "https://a.test", "open_id": "ou_bot"}
    platform.will_say(TOKEN, {"code": 0, "bot": bot})
    assert api.bot_info() == BotInfo("Helper", "ou_bot", "https://a.test", 2)


def test_an_answer_without_a_bot_is_malformed(platform, api):
    platform.will_say(TOKEN, {"code": 0, "data": {}})
    with pytest.raises(MalformedAnswer):
        api.bot_info()


@pytest.mark.parametrize(
    ("data", "count"),
    [({"online_instance_cnt": 3}, 3), ({"online_instance_cnt": 0}, 0), ({}, None), (None, None)],
)
def test_connections_are_counted(platform, api, data, count):
    platform.will_say(TOKEN, {"code": 0, "data": data})
    assert api.connection_count() == count


def test_the_app_is_described(platform, api):
    app = {
        "app_id": "cli_a1b2c3d4e5f60718",
        "app_name": "Helper",
        "status": 1,
        "redirect_urls": ["https://portal.example.com/back/", 7],
        "online_version_id": "oav_1",
        "scopes": [
            {"scope": "im:message", "token_types": ["tenant", "user"]},
            {"scope": "offline_access"},
            {"description": "nameless"},
        ],
    }
    platform.will_say(TOKEN, {"code": 0, "data": {"app": app}})
    assert api.application() == AppInfo(
        app_id="cli_a1b2c3d4e5f60718",
        name="Helper",
        status=1,
        published=True,
        redirect_urls=("https://portal.example.com/back/",),
        scopes=(AppScope("im:message", frozenset({"tenant", "user"})), AppScope("offline_access")),
        in_review=None,
        may_refresh=None,
    )
    assert platform.requests[1].url.raw_path == b"/open-apis/application/v6/applications/me?lang=zh_cn"


def test_what_is_not_said_of_an_app_stays_unknown(platform, api):
    app = {"app_id": "cli_1", "online_version_id": "", "status": "1", "redirect_urls": None}
    platform.will_say(TOKEN, {"code": 0, "data": {"app": app}})
    assert api.application() == AppInfo(
        app_id="cli_1",
        name="",
        status=3,
        published=False,
        in_review=None,
        may_refresh=None,
        redirect_urls=None,
        scopes=None,
    )


@pytest.mark.parametrize(
    ("said", "published", "in_review", "may_refresh"),
    [
        ({"online_version_id": "oav_1", "unaudit_version_id": ""}, True, False, None),
        ({"online_version_id": 7, "unaudit_version_id": 8, "allow_refresh_token": True}, True, True, True),
        (
            {"online_version_id": 0, "unaudit_version_id": "0", "allow_refresh_token": False},
            False,
            False,
            False,
        ),
        ({"online_version_id": None, "allow_refresh_token": "on"}, None, None, None),
    ],
)
def test_version_and_refresh_switch_are_read_in_either_spelling(
    platform, api, said, published, in_review, may_refresh
):
    platform.will_say(TOKEN, {"code": 0, "data": {"app": {"app_id": "cli_1"} | said}})
    app = api.application()
    assert (app.published, app.in_review, app.may_refresh) == (published, in_review, may_refresh)


@pytest.mark.parametrize("data", [None, {}, {"app": []}, {"app": {"app_name": "Helper"}}])
def test_an_answer_without_an_app_is_malformed(platform, api, data):
    platform.will_say(TOKEN, {"code": 0, "data": data})
    with pytest.raises(MalformedAnswer):
        api.application()


def test_an_app_that_may_not_read_itself_misses_a_scope(platform, api):
    scope = "application:application:self_manage"
    violations = [{"type": "action_scope_required", "subject": scope}]
    platform.will_say(TOKEN, {"code": 99991672, "msg": "no", "error": {"permission_violations": violations}})
    with pytest.raises(MissingScope) as caught:
        api.application()
    assert caught.value.scopes == (scope,)


@pytest.mark.parametrize(
    ("types", "tenant", "user"),
    [(frozenset(), True, True), (frozenset({"tenant"}), True, False), (frozenset({"user"}), False, True)],
)
def test_a_scope_serves_the_identities_it_was_enabled_for(types, tenant, user):
    scope = AppScope("im:message", types)
    assert (scope.serves("tenant"), scope.serves("user")) == (tenant, user)


def test_content_is_json_inside_json(platform, api):
    platform.will_say(TOKEN, SENT)
    api.send_message("ou_1", "post", {"zh_cn": {"title": '"quoted"'}})
    assert json.loads(platform.sent_json()["content"]) == {"zh_cn": {"title": '"quoted"'}}
