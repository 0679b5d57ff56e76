import json

import httpx2
import pytest

from bots.enums import SendingState
from bots.models import Sending
from core.access.scopes import Scope
from feishu_portal.api import messages as api
from tests.factories import make_bot, make_card_template
from tests.feishu_portal.api.callers import api_client
from tests.feishu_portal.api.messages import (
    CARD,
    post,
    sent_json,
    text,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot():
    return make_bot()


@pytest.fixture
def client():
    return api_client(Scope.MESSAGES_SEND)


# --- what is sent


def test_text_is_sent_and_written_down_without_what_it_says(client, bot, platform):
    response = text(client, bot, "你好")
    assert (response.status_code, response.json()) == (201, {"message_id": "om_1", "chat_id": "oc_1"})
    assert sent_json(platform.sends) == {
        "receive_id": "ou_1",
        "msg_type": "text",
        "content": '{"text":"你好"}',
    }
    assert platform.sends.calls[0].request.url.params["receive_id_type"] == "open_id"
    row = Sending.objects.values().get()
    assert (row["actor"], row["target"], row["receive_id_type"]) == ("api:system 0", "ou_1", "open_id")
    assert (row["state"], row["message_id"], row["attempts"]) == ("sent", "om_1", 1)
    assert "你好" not in str(row)


@pytest.mark.parametrize("content", [CARD, json.dumps(CARD)])
def test_content_is_an_object_or_its_text(client, bot, platform, content):
    body = {
        "receive_id": "oc_1",
        "receive_id_type": "chat_id",
        "msg_type": "interactive",
        "content": content,
    }
    assert post(client, bot, **body).status_code == 201
    assert json.loads(sent_json(platform.sends)["content"]) == CARD


def test_reply_goes_to_the_message_and_into_its_topic(client, bot, platform):
    response = post(client, bot, "/om_9/reply", key="k", text="yes", reply_in_thread=True)
    assert response.status_code == 201
    assert platform.sends.calls[0].request.url.path == "/open-apis/im/v1/messages/om_9/reply"
    sent = sent_json(platform.sends)
    assert sent["reply_in_thread"] is True
    assert len(sent["uuid"]) == 50
    assert (Sending.objects.get().kind, Sending.objects.get().target) == ("reply", "om_9")


def test_card_is_updated(client, bot, platform):
    address = f"/api/v1/bots/{bot.app_id}/messages/om_9"
    response = client.patch(address, {"content": CARD}, "application/json")
    assert (response.status_code, response.json()) == (200, {"message_id": "om_9"})
    assert json.loads(sent_json(platform.patches)["content"]) == CARD


def test_card_template_is_sent_and_shown_with_its_values(client, bot, platform):
    make_card_template(bot, name="disk-full")
    use = {"template": "disk-full", "variables": {"text": "db"}}
    assert post(client, bot, receive_id="oc_1", **use).status_code == 201
    sent = sent_json(platform.sends)
    card = {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "db"}]}}
    assert (sent["msg_type"], json.loads(sent["content"])) == ("interactive", card)
    assert post(client, bot, "/om_9/reply", **use).status_code == 201
    assert (
        client.patch(f"/api/v1/bots/{bot.app_id}/messages/om_9", use, "application/json").status_code == 200
    )
    assert json.loads(sent_json(platform.patches)["content"]) == card


def test_template_that_changed_meanwhile_is_the_same_request(client, bot, platform):
    template = make_card_template(bot, name="disk-full")
    body = {"receive_id": "oc_1", "template": "disk-full", "variables": {"text": "db"}}
    assert post(client, bot, key="k", **body).status_code == 201
    template.card = template.card.replace("{{text}}", "Host {{text}}")
    template.save()
    assert post(client, bot, key="k", **body)["Idempotency-Replayed"] == "true"
    assert post(client, bot, key="k", **body | {"variables": {"text": "web"}}).status_code == 422


@pytest.mark.parametrize(
    ("use", "code", "said"),
    [
        ({"template": "none"}, "invalid_content", "The bot has no card template “none”."),
        ({"template": "disk-full"}, "invalid_content", "The variable “text” is missing."),
        (
            {"template": "disk-full", "variables": {"text": 1}},
            "invalid_content",
            "The variable “text” is a text.",
        ),
        (
            {"template": "disk-full", "text": "a"},
            "invalid_request",
            "The request does not fit the description.",
        ),
        ({"text": "a", "variables": {}}, "invalid_request", "The request does not fit the description."),
    ],
)
def test_template_that_cannot_be_sent_is_refused(client, bot, platform, use, code, said):
    make_card_template(bot, name="disk-full")
    make_card_template(make_bot(), name="none")
    response = post(client, bot, receive_id="oc_1", **use)
    assert (response.status_code, response.json()["code"], response.json()["detail"]) == (422, code, said)
    assert not platform.sends.called


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"receive_id": "ou_1"}, "invalid_request"),
        ({"receive_id": "ou_1", "text": "a", "msg_type": "text", "content": {"text": "a"}}, "invalid_request"),
        ({"receive_id": "ou_1", "msg_type": "poem", "content": {}}, "invalid_request"),
        ({"receive_id": "ou_1", "msg_type": "text"}, "invalid_request"),
        ({"receive_id": "ou 1", "text": "a"}, "invalid_request"),
        ({"receive_id": "ou_1", "receive_id_type": "name", "text": "a"}, "invalid_request"),
        ({"receive_id": "ou_1", "msg_type": "text", "content": "hello"}, "invalid_content"),
        ({"receive_id": "ou_1", "msg_type": "post", "content": "[1]"}, "invalid_content"),
        ({"receive_id": "ou_1", "text": "a" * 150 * 1024}, "invalid_content"),
        ({"receive_id": "ou_1", "msg_type": "post", "content": {"a": "字" * 10_240}}, "invalid_content"),
    ],
)  # fmt: skip
def test_what_the_platform_would_refuse_is_not_sent(client, bot, platform, body, code):
    response = post(client, bot, **body)
    assert (response.status_code, response.json()["code"]) == (422, code)
    assert not platform.calls
    assert not Sending.objects.exists()


# --- what goes wrong


@pytest.mark.parametrize(
    ("status", "body", "expected", "code", "sent"),
    [
        (400, {"code": 230011, "msg": "recalled"}, 422, "platform_refused", "no"),
        (400, {"code": 230002, "msg": "out of the chat"}, 424, "platform_refused", "no"),
        (400, {"code": 99991672, "msg": "scope"}, 424, "platform_refused", "no"),
        (400, {"code": 230049, "msg": "being sent"}, 503, "platform_refused", "unknown"),
        (400, {"code": 230020, "msg": "limit"}, 429, "rate_limited", "no"),
        (500, {}, 503, "platform_refused", "unknown"),
    ],
)
def test_refusal_is_told_with_cause_and_cure(
    client, bot, platform, pauses_pass, status, body, expected, code, sent
):
    platform.sends.respond(status, json=body, headers={"X-Tt-Logid": "log-1"})
    response = text(client, bot)
    problem = response.json()
    assert (response.status_code, problem["code"], problem["sent"]) == (expected, code, sent)
    assert response["Content-Type"] == "application/problem+json"
    assert (problem["platform_code"], problem["log_id"]) == (body.get("code"), "log-1")
    assert problem["cause"]
    assert problem["cure"]
    assert Sending.objects.get().state == ("not_sent" if sent == "no" else "unknown")


def test_platform_that_asks_for_patience_is_passed_on(client, bot, platform):
    platform.sends.respond(
        429, json={"code": 99991400, "msg": "slow"}, headers={"x-ogw-ratelimit-reset": "17"}
    )
    response = text(client, bot)
    assert (response.status_code, response["Retry-After"]) == (429, "17")


@pytest.mark.parametrize(
    ("failure", "status", "sent"),
    [
        (httpx2.ConnectError, 502, "no"),
        (httpx2.ReadTimeout, 504, "unknown"),
        (httpx2.ReadError, 502, "unknown"),
    ],
)
def test_lost_answer_says_whether_it_may_have_been_sent(client, bot, platform, failure, status, sent):
    platform.sends.side_effect = failure
    response = text(client, bot)
    assert (response.status_code, response.json()["code"]) == (status, "upstream_failed")
    assert response.json()["sent"] == sent


def test_without_a_token_of_the_bot_nothing_was_sent(client, bot, platform):
    platform.routes[0].side_effect = httpx2.ReadTimeout
    response = text(client, bot)
    assert (response.status_code, response.json()["sent"]) == (502, "no")
    assert Sending.objects.get().state == SendingState.NOT_SENT


def test_disabled_bot_sends_nothing(client, platform):
    response = text(client, make_bot(enabled=False))
    assert (response.status_code, response.json()["code"]) == (409, "bot_disabled")
    assert not platform.calls


@pytest.mark.parametrize("places", [1, 4])
def test_no_more_than_fit_or_a_quarter_are_sent_at_once(client, bot, platform, monkeypatch, places):
    monkeypatch.setattr(api, "MAX_SENDING", places)
    answer = platform.sends.side_effect or platform.sends.return_value
    nested = []

    def send_another(_request) -> httpx2.Response:
        nested.append(text(client, bot))
        return answer

    platform.sends.side_effect = send_another
    assert text(client, bot).status_code == 201
    [response] = nested
    assert (response.status_code, response.json()["code"]) == (503, "overloaded")
    assert (response.json()["sent"], response["Retry-After"]) == ("no", "1")
    assert text(client, bot).status_code == 201


def test_secret_is_in_no_answer_and_no_row(client, bot, platform):
    platform.sends.respond(400, json={"code": 230001, "msg": "invalid"})
    response = text(client, bot, "the-secret-words")
    rows = str(list(Sending.objects.values()))
    for secret in ("the-secret-words", "t-of-the-tests"):
        assert secret not in response.text + rows


def test_stranger_sends_nothing_and_can_tell_nothing(bot, platform):
    stranger = api_client(Scope.MESSAGES_SEND, bots=[make_bot()])
    nobody = make_bot()
    nobody.delete()
    assert text(stranger, bot).status_code == 404
    assert text(stranger, bot).content == text(stranger, nobody).content
    assert post(stranger, bot, "/om_1/reply", text="a").status_code == 404
    assert text(api_client(Scope.BOTS_READ), bot).json()["scope"] == "messages:send"
    assert not platform.calls


# --- answers that say nothing of what became of the message

NO_ANSWERS = (
    (200, b"", "text/plain"),
    (200, b"{}", "application/json"),
    (200, b'{"status":"login required"}', "application/json"),
    (307, b'{"message":"moved"}', "application/json"),
    (302, b"", "text/html"),
    (200, b"<html>Sign in</html>", "text/html"),
    (200, '{"msg":"错误"}'.encode("gbk"), "application/json; charset=gbk"),
    (502, b"<html>Bad gateway</html>", "text/html"),
    (500, b'{"code":0,"msg":"ok","data":{"message_id":"om_1"}}', "application/json"),
    (200, b'[{"code":0}]', "application/json"),
)


@pytest.mark.parametrize("number", range(len(NO_ANSWERS)))
@pytest.mark.parametrize("kind", ["send", "update"])
def test_only_the_platforms_own_success_counts(client, bot, platform, caplog, kind, number):
    status, body, content_type = NO_ANSWERS[number]
    route = platform.sends if kind == "send" else platform.patches
    route.respond(status, content=body, headers={"content-type": content_type})
    if kind == "send":
        response = text(client, bot)
    else:
        address = f"/api/v1/bots/{bot.app_id}/messages/om_1"
        response = client.patch(address, {"content": CARD}, "application/json")
    problem = response.json()
    assert (response.status_code, problem["code"]) == (502, "upstream_failed")
    assert problem["sent"] == "unknown"
    assert problem["http_status"] == status
    assert f"HTTP {status}" in problem["detail"]
    assert content_type in problem["detail"]
    row = Sending.objects.get()
    assert row.state == SendingState.UNKNOWN
    assert f"HTTP {status}" in row.said
    [record] = [record for record in caplog.records if record.message == "message_not_sent"]
    assert (record.http_status, record.app_id) == (status, bot.app_id)


def test_nobody_promises_to_try_again(client, bot, platform):
    platform.sends.respond(
        429, json={"code": 99991400, "msg": "frequency"}, headers={"x-ogw-ratelimit-reset": "7"}
    )
    response = text(client, bot)
    assert (response.status_code, response.headers["Retry-After"]) == (429, "7")
    assert "retried" not in response.json()["cure"]
    assert Sending.objects.get().said == "frequency"


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("ou_1", "open_id"),
        ("on_1", "union_id"),
        ("oc_1", "chat_id"),
        ("a@example.com", "email"),
        ("e33ggbyz", "user_id"),
    ],
)
def test_kind_of_address_is_told_by_its_look(client, bot, platform, address, kind):
    assert post(client, bot, receive_id=address, text="hello").status_code == 201
    assert platform.sends.calls.last.request.url.params["receive_id_type"] == kind
    assert Sending.objects.get().receive_id_type == kind


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("oc_1", "open_id"), ("ou_1", "chat_id"), ("on_1", "open_id"), ("a@example.com", "open_id"), ("e33ggbyz", "email"),
        ("e33ggbyz", "open_id"), ("ou_1", "user_id"),
    ],
)  # fmt: skip
def test_address_of_another_kind_is_refused_before_the_platform_is_asked(
    client, bot, platform, address, kind
):
    response = post(client, bot, receive_id=address, receive_id_type=kind, text="hello")
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
    assert kind in response.json()["errors"][0]["message"]
    assert not platform.sends.called
    assert not Sending.objects.exists()


def test_user_id_may_hold_an_at_sign_where_it_is_called_one(client, bot, platform):
    assert post(client, bot, receive_id="a@b", receive_id_type="user_id", text="hello").status_code == 201
