import json
from typing import Any

import pytest

from feishu.message_parts import MessagePart, PartKind, paragraphs_of, plain_text


def message(kind: str, content: Any, **fields: Any) -> dict[str, Any]:
    return {"message_type": kind, "content": json.dumps(content)} | fields


def test_names_stand_in_the_place_of_their_keys():
    mentions = [{"key": "@_user_1", "name": "Helper"}, {"key": "@_user_11", "name": "王芳"}]
    written = message("text", {"text": "@_user_1 ask @_user_11\nor @_all"}, mentions=mentions)
    first, second = paragraphs_of(written)
    assert first[0] == MessagePart(PartKind.MENTION, "@Helper")
    assert plain_text([first, second]) == "@Helper ask @王芳 or @all"


def test_rich_text_has_a_part_for_everything_it_shows():
    line = [
        {"tag": "text", "text": "see "},
        {"tag": "a", "text": "here", "href": "https://example.com/"},
        {"tag": "at", "user_id": "@_user_1", "user_name": "李雷"},
        {"tag": "img", "image_key": "img_1"},
        {"tag": "emotion", "emoji_type": "SMILE"},
    ]
    [title, [_text, link, *others]] = paragraphs_of(message("post", {"title": "Weekly", "content": [line]}))
    assert title == [MessagePart(PartKind.TEXT, "Weekly")]
    assert link == MessagePart(PartKind.LINK, "here", "https://example.com/")
    assert [part.kind for part in others] == [PartKind.MENTION, PartKind.IMAGE, PartKind.EMOJI]
    assert others[0].text == "@李雷"


@pytest.mark.parametrize(("language", "words"), [("zh_cn", "你好"), ("en_us", "Hello"), ("ja_jp", "你好")])
def test_rich_text_in_several_languages_is_read_in_one(language: str, words: str):
    parts = {
        key: {"content": [[{"tag": "text", "text": said}]]}
        for key, said in (("en_us", "Hello"), ("zh_cn", "你好"))
    }
    assert plain_text(paragraphs_of(message("post", parts), language)) == words
    assert plain_text(paragraphs_of(message("post", {"post": parts}), language)) == words


def test_card_is_read_by_its_words():
    card = {
        "title": "Leave",
        "elements": [[{"tag": "text", "text": "three days"}], [{"tag": "button", "text": "Approve"}]],
    }
    assert plain_text(paragraphs_of(message("interactive", card))) == "Leave three days Approve"


@pytest.mark.parametrize(
    ("kind", "content", "text"),
    [
        ("file", {"file_key": "file_1", "file_name": "plan.pdf"}, "plan.pdf"),
        ("image", {"image_key": "img_1"}, ""),
        ("sticker", {"file_key": "v3_1"}, ""),
        ("location", {"name": "Main gate", "longitude": "1"}, "Main gate"),
        ("vote", {"topic": "Lunch", "options": ["a", "b"]}, "Lunch"),
    ],
)
def test_other_kinds_are_read_by_what_they_name(kind: str, content: dict[str, Any], text: str):
    assert plain_text(paragraphs_of(message(kind, content))) == text


@pytest.mark.parametrize("content", [None, 7, "", "[", '"x"', '{"content": 7}', '{"elements": [[7, null]]}'])
def test_malformed_message_has_no_words(content: Any):
    for kind in ("text", "post", "interactive", "file"):
        assert plain_text(paragraphs_of({"message_type": kind, "content": content})) == ""
