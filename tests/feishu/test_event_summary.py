import json
from typing import Any

import pytest

from feishu.event_summary import MAX_TEXT, NOTHING, EventSummary, summarize, summarize_message
from tests.events.payloads import EVENTS


def written(content: Any, kind: str = "text", **message: Any) -> bytes:
    base = EVENTS["im.message.receive_v1"]
    fields = {"message_type": kind, "content": json.dumps(content)} | message
    return json.dumps(base | {"message": base["message"] | fields}).encode()


def of_event(event_type: str) -> EventSummary:
    return summarize(json.dumps(EVENTS[event_type]).encode())


def test_message_is_read_with_the_names_of_those_it_mentions():
    assert summarize_message(written({"text": "@_user_1  good\nmorning"})) == EventSummary(
        "ou_33334444", "oc_ddddeeeeffff", "group", "text", "@Helper good morning"
    )


@pytest.mark.parametrize(
    "content", [{"text": "hi"}, {"text": "@_user_1 hi"}, {"text": "@_user_9 hi"}, {"text": None}, 7]
)
def test_quick_way_reads_the_same_as_the_other(content: Any):
    assert summarize_message(written(content)) == summarize(written(content))


def test_message_of_another_kind_is_read_too():
    picture = summarize_message(written({"image_key": "img_1"}, kind="image"))
    assert (picture.kind, picture.text, picture.sender) == ("image", "", "ou_33334444")
    post = {"zh_cn": {"title": "周报", "content": [[{"tag": "text", "text": "完成"}]]}}
    assert summarize_message(written(post, kind="post")).text == "周报 完成"


def test_text_is_cut():
    assert len(summarize_message(written({"text": "x" * 1000})).text) == MAX_TEXT


@pytest.mark.parametrize(
    ("event_type", "text"),
    [
        ("im.message.reaction.created_v1", "SMILE"),
        ("im.chat.member.user.added_v1", "李雷"),
        ("im.chat.member.bot.added_v1", "测试群"),
        ("application.bot.menu_v6", "help"),
        ("contact.user.created_v3", "李雷"),
        ("vc.meeting.meeting_started_v1", "周会"),
    ],
)
def test_other_events_say_whom_and_what_they_are_about(event_type: str, text: str):
    summary = of_event(event_type)
    assert (summary.sender, summary.text) == ("ou_33334444", text)


def test_click_says_what_was_chosen():
    click = {
        "operator": {"open_id": "ou_1"},
        "action": {"value": {"action": "rate"}, "tag": "select_static", "option": "five stars"},
        "context": {"open_chat_id": "oc_1", "open_message_id": "om_1"},
    }
    old = {"open_id": "ou_1", "open_chat_id": "oc_1", "action": {"value": {"action": "rate"}}}
    expected = EventSummary(sender="ou_1", chat="oc_1", text="rate · five stars")
    assert summarize(json.dumps(click).encode()) == expected
    assert summarize(json.dumps(old).encode()).text == "rate"


@pytest.mark.parametrize("event", [b"{}", b"[]", b"7", b'{"sender": 7, "message": "x", "operator": [1]}'])
def test_what_is_not_understood_has_no_summary(event: bytes):
    assert summarize(event) == NOTHING
    assert summarize_message(event) == NOTHING
