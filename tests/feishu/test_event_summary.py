import json
from typing import Any

import pytest

from feishu.event_summary import MAX_TEXT, NOTHING, EventSummary, summarize
from tests.events.payloads import EVENTS


def written(content: Any, kind: str = "text", **message: Any) -> EventSummary:
    base = EVENTS["im.message.receive_v1"]
    fields = {"message_type": kind, "content": json.dumps(content)} | message
    return summary_of(base | {"message": base["message"] | fields})


def summary_of(event: Any) -> EventSummary:
    return summarize(json.dumps({"schema": "2.0", "header": {}, "event": event}).encode())


def test_message_is_read_with_the_names_of_those_it_mentions():
    assert written({"text": "@_user_1  good\nmorning"}) == EventSummary(
        "ou_33334444", "oc_ddddeeeeffff", "group", "text", "@Helper good morning"
    )


def test_message_of_another_kind_is_read_too():
    picture = written({"image_key": "img_1"}, kind="image")
    assert (picture.kind, picture.text, picture.sender) == ("image", "", "ou_33334444")
    post = {"zh_cn": {"title": "周报", "content": [[{"tag": "text", "text": "完成"}]]}}
    assert written(post, kind="post").text == "周报 完成"


def test_every_word_is_cut():
    long = written({"text": "x" * 1000}, kind="y" * 1000)
    assert (len(written({"text": "x" * 1000}).text), len(long.kind)) == (MAX_TEXT, MAX_TEXT)


def test_every_word_can_be_shown_and_looked_for():
    assert written({"text": "half \ud83d and\x00 nothing"}).text == "half ? and nothing"
    assert summary_of({"operator": {"open_id": "ou_\x00x"}}).sender == "ou_x"


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
    summary = summary_of(EVENTS[event_type])
    assert (summary.sender, summary.text) == ("ou_33334444", text)


def test_click_says_what_was_chosen():
    click = {
        "operator": {"open_id": "ou_1"},
        "action": {"value": {"action": "rate"}, "tag": "select_static", "option": "five stars"},
        "context": {"open_chat_id": "oc_1", "open_message_id": "om_1"},
    }
    old = {"open_id": "ou_1", "open_chat_id": "oc_1", "action": {"value": {"action": "rate"}}}
    expected = EventSummary(sender="ou_1", chat="oc_1", text="rate · five stars")
    assert summary_of(click) == expected
    assert summarize(json.dumps(old).encode()).text == "rate"


@pytest.mark.parametrize("event", [{}, [], 7, None, {"sender": 7, "message": "x", "operator": [1]}])
def test_what_is_not_understood_has_no_summary(event: Any):
    assert summary_of(event) == NOTHING
    assert summarize(json.dumps(event).encode()) == NOTHING


def test_what_is_no_json_has_no_summary():
    assert summarize(b"no json") == NOTHING
    assert summarize(b"[" * 100_000) == NOTHING
