"""A message and a click are read on their event's page as people wrote and saw them."""

import json
from typing import Any

import pytest
from django.utils.translation import override

from events.admin.message import message
from events.models import Event
from feishu.callbacks import CLICK
from feishu.localized import post_of
from feishu.text import Text
from tests.factories import click_event, message_event


def written(kind: str, content: Any, **fields: Any) -> str:
    payload = message_event(message_type=kind, content=json.dumps(content), **fields)
    return message(Event(event_type="im.message.receive_v1", payload=json.dumps(payload).encode()))


def clicked(**action: Any) -> str:
    payload = click_event(value={"action": "approve"})
    payload["event"]["action"] |= action
    return message(Event(event_type=CLICK, payload=json.dumps(payload).encode()))


def test_text_is_shown_with_names_and_without_secrets():
    mentions = [{"key": "@_user_1", "name": "王芳"}]
    html = written("text", {"text": "<b>@_user_1</b> token=abcdefgh12345"}, mentions=mentions)
    assert "&lt;b&gt;" in html
    assert "<strong>@王芳</strong>" in html
    assert "abcdefgh12345" not in html


def test_link_leads_to_the_web_alone():
    elements = [
        {"tag": "a", "text": "page", "href": "https://example.com/"},
        {"tag": "a", "text": "script", "href": "javascript:alert(1)"},
    ]
    html = written("post", {"title": "T", "content": [elements]})
    assert 'href="https://example.com/"' in html
    assert "javascript:" not in html
    assert "script" in html


@pytest.mark.parametrize(
    ("language", "shown", "hidden"), [("en", "Hello", "你好"), ("zh-hans", "你好", "Hello")]
)
def test_rich_text_in_several_languages_is_shown_in_the_pages(language: str, shown: str, hidden: str):
    with override(language):
        html = written("post", post_of(Text("你好", "Hello")))
    assert shown in html
    assert hidden not in html


@pytest.mark.parametrize(("language", "words"), [("en", "Card"), ("zh-hans", "卡片")])
def test_card_is_shown_in_words(language: str, words: str):
    with override(language):
        html = written(
            "interactive", {"title": "Leave", "elements": [[{"tag": "button", "text": "Approve"}]]}
        )
    assert words in html
    assert "Leave" in html
    assert "Approve" in html


def test_click_says_what_was_chosen_and_filled_in():
    html = clicked(option="five", form_value={"reason": "holiday", "password": "hunter2"})
    for text in ("approve", "five", "reason", "holiday"):
        assert text in html
    assert "hunter2" not in html


@pytest.mark.parametrize(
    "payload", [b"\xff", b"[]", b'{"event": {"message": 7}}', b'{"event": {"action": 7}}']
)
@pytest.mark.parametrize("event_type", ["im.message.receive_v1", CLICK, ""])
def test_what_is_neither_or_unreadable_is_left_out(payload: bytes, event_type: str):
    assert "<script" not in message(Event(event_type=event_type, payload=payload))
