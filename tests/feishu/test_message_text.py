import json

import pytest

from feishu.message_text import read_message


def text_message(text, **values):
    return {"message_type": "text", "content": json.dumps({"text": text})} | values


def post(content, **values):
    return {"message_type": "post", "content": json.dumps(content)} | values


def element(text, **values):
    return {"tag": "text", "text": text, "style": []} | values


MENTION = {"key": "@_user_1", "id": {"open_id": "ou_bot", "union_id": "on_1", "user_id": ""}, "name": "Demo"}


def test_text_is_read_without_its_mentions():
    written = read_message(text_message("@_user_1 /auth", mentions=[MENTION]))
    assert (written.text, written.mentioned) == ("/auth", {"ou_bot"})


def test_people_are_told_from_bots_where_the_event_does():
    person = MENTION | {"id": {"open_id": "ou_lin"}, "mentioned_type": "user"}
    bot = MENTION | {"mentioned_type": "bot"}
    untold = MENTION | {"id": {"open_id": "ou_old"}}
    written = read_message(text_message("@_user_1 /auth", mentions=[person, bot, untold]))
    assert written.mentioned == {"ou_lin", "ou_bot", "ou_old"}
    assert written.people == {"ou_lin"}


@pytest.mark.parametrize(
    "content",
    [
        {"title": "", "content": [[element("/auth")]]},
        {"zh_cn": {"title": "", "content": [[element("/auth")]]}},
        {"zh_cn": {"title": "", "content": []}, "en_us": {"content": [[element("/auth")]]}},
        {"zh_cn": None, "ja_jp": {"content": [[element("/auth")]]}},
        {"post": {"zh_cn": {}, "en_us": {"content": [[element("/auth")]]}}},
        {"en_us": {"title": "", "content": [[element("/auth")]]}},
        {"post": {"ja_jp": {"content": [[element("/auth", style=["bold"])]]}}},
        {"title": "/auth", "content": []},
        {"title": "", "content": [[], [{"tag": "md", "text": "/auth"}]]},
        {"title": "", "content": [[{"tag": "code_block", "language": "BASH", "text": "/auth"}]]},
        {"title": "", "content": [[{"tag": "at", "user_id": "@_user_1"}, element(" /auth")]]},
        {"title": "", "content": [element("/auth")]},
        {"title": None, "content": [[element("/"), element("auth", style=["bold"])]]},
    ],
)
def test_rich_text_is_read_in_every_shape(content):
    assert read_message(post(content)).text == "/auth"


def test_paragraphs_of_rich_text_are_lines():
    content = {"title": "T", "content": [[element("a"), element("b")], [element("c")]]}
    assert read_message(post(content)).text.split() == ["T", "ab", "c"]


@pytest.mark.parametrize("tag", ["img", "media"])
def test_rich_text_with_a_picture_says_so(tag):
    content = {"content": [[element("/auth")], [{"tag": tag, "image_key": "img_1"}]]}
    assert read_message(post(content)).has_media


@pytest.mark.parametrize(
    "message",
    [
        text_message("@_all /help", mentions=[]),
        text_message("/help", mentions=[{"key": "@_all", "id": {"open_id": "", "user_id": ""}}]),
        text_message("@_user_1 /help", mentions=[{"key": "@_user_1", "id": {}, "name": "所有人"}]),
        post({"content": [[{"tag": "at", "user_id": "@_all"}, element("/help")]]}),
        post({"content": [[{"tag": "at", "user_id": "all"}, element("/help")]]}),
    ],
)
def test_mention_of_everybody_mentions_nobody_by_id(message):
    written = read_message(message)
    assert (written.text, written.mentions_all, written.mentioned) == ("/help", True, frozenset())


def test_message_asked_for_by_api_has_another_shape():
    written = read_message(
        {
            "msg_type": "text",
            "body": {"content": '{"text":"@_user_1 /auth"}'},
            "mentions": [{"key": "@_user_1", "id": "ou_bot", "id_type": "open_id", "name": "Demo"}],
        }
    )
    assert (written.text, written.mentioned, written.mentions_all) == ("/auth", {"ou_bot"}, False)


@pytest.mark.parametrize("who", ["on_1", "cli_a1b2c3d4e5f60718", {"open_id": None, "union_id": "on_1"}])
def test_mention_of_somebody_without_an_open_id_is_none_of_everybody(who):
    mentions = [{"key": "@_user_1", "id": who, "name": "Demo"}]
    written = read_message(text_message("@_user_1 /auth") | {"mentions": mentions})
    assert (written.mentioned, written.mentions_all) == (frozenset(), False)


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        {},
        {"message_type": ["text"], "content": "{}"},
        text_message(None),
        text_message(["/auth"]),
        {"message_type": "text", "content": '["/auth"]'},
        {"message_type": "text", "content": "Merged and Forwarded Message"},
        {"message_type": "text", "content": ""},
        {"message_type": "text", "content": {"text": "/auth"}},
        {"message_type": "text", "content": "[" * 100_000},
        {"message_type": "text", "content": json.dumps({"text": "/" * 300_000})},
        {"message_type": "post", "content": "null"},
        post({"content": "x"}),
        post({"content": [None, [None, 1, {"tag": ["at"]}, {"tag": "at", "user_id": {}}]]}),
        post({"zh_cn": ["/auth"]}),
        text_message("", mentions={"key": "@_all"}),
        {"msg_type": "text", "body": "x"},
    ],
)
def test_malformed_messages_hold_no_text(message):
    assert read_message(message).text == ""


def test_endless_rich_text_is_read_up_to_a_bound():
    content = {"content": [[element("x")] for _ in range(5_000)]}
    assert len(read_message(post(content)).text) < 2_000
