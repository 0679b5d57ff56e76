"""Text is found in payloads however it is written there."""

import json

import pytest

from bots.models import Bot
from events.log.criteria import EventCriteria
from tests.events.log.rows import make_event
from tests.events.log.searching import all_of


@pytest.mark.parametrize(
    "payload",
    [
        '{"text":"你好 world"}'.encode(),
        json.dumps({"text": "你好 world"}).encode(),
        json.dumps({"content": json.dumps({"text": "你好 world"})}).encode(),
        json.dumps(
            {"content": json.dumps({"text": "你好 world"}, ensure_ascii=False)}, ensure_ascii=False
        ).encode(),
    ],
    ids=["plain", "escaped", "escaped twice", "JSON within JSON"],
)
def test_text_is_found_however_the_platform_writes_it(bot: Bot, payload: bytes) -> None:
    wanted = make_event(bot, payload=payload)
    make_event(bot)
    assert all_of(EventCriteria(text="你好 world"), limit=5) == [wanted.pk]


def test_text_with_quotes_is_found(bot: Bot) -> None:
    wanted = make_event(bot, payload=json.dumps({"text": 'say "hello"'}).encode())
    assert all_of(EventCriteria(text='say "hello"'), limit=5) == [wanted.pk]
    assert all_of(EventCriteria(text='"hello%"'), limit=5) == []


def test_bytes_that_are_no_text_do_not_break_the_search(bot: Bot) -> None:
    wanted = make_event(bot, payload=b"\xff\xfe needle \x00")
    assert all_of(EventCriteria(text="needle"), limit=5) == [wanted.pk]
