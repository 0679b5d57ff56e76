import json

import pytest

from feishu.errors import APIError
from feishu.localized import REFUSED, post_of, reply_localized, send_localized
from feishu.openapi import OpenAPI, SentMessage
from feishu.tenant_tokens import TenantTokens
from feishu.text import Text

TOKEN = {"code": 0, "tenant_access_token": "t-1", "expire": 7200}
SENT = {"code": 0, "data": {"message_id": "om_1", "chat_id": "oc_1"}}
TEXT = Text("已撤销。\n再见。", "Withdrawn.\nBye.")


@pytest.fixture
def api(transport, credentials) -> OpenAPI:
    return OpenAPI(credentials, transport, TenantTokens(transport))


def test_each_language_is_a_part_of_its_own_a_paragraph_a_line():
    assert post_of(TEXT) == {
        "zh_cn": {"content": [[{"tag": "text", "text": "已撤销。"}], [{"tag": "text", "text": "再见。"}]]},
        "en_us": {"content": [[{"tag": "text", "text": "Withdrawn."}], [{"tag": "text", "text": "Bye."}]]},
    }


def test_sentence_is_sent_as_one_rich_text(platform, api):
    platform.will_say(TOKEN, SENT)
    sent = send_localized(api, "oc_1", TEXT, receive_id_type="chat_id", uuid="k1")
    assert sent == SentMessage("om_1", "oc_1")
    assert platform.requests[1].url.query == b"receive_id_type=chat_id"
    message = platform.sent_json()
    assert json.loads(message.pop("content")) == post_of(TEXT)
    assert message == {"receive_id": "oc_1", "msg_type": "post", "uuid": "k1"}


@pytest.mark.parametrize("code", sorted(REFUSED))
def test_where_the_rich_text_is_refused_a_text_says_it_in_all_languages(platform, api, code):
    platform.will_say(TOKEN, {"code": code, "msg": "no"}, SENT)
    assert reply_localized(api, "om_9", TEXT, uuid="k1").message_id == "om_1"
    assert [request.url.path for request in platform.requests[1:]] == [
        "/open-apis/im/v1/messages/om_9/reply"
    ] * 2
    message = platform.sent_json()
    assert (message["msg_type"], message["uuid"]) == ("text", "k1")
    assert json.loads(message["content"]) == {"text": "已撤销。\n再见。\nWithdrawn.\nBye."}


def test_another_refusal_is_not_answered_with_a_second_message(platform, api):
    platform.will_say(TOKEN, {"code": 230013, "msg": "not available"})
    with pytest.raises(APIError):
        send_localized(api, "ou_1", TEXT, uuid="k1")
    assert len(platform.requests) == 2
