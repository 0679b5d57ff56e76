"""What the portal says of its own is shown in the reader's language, also where it was stored in English."""

import json
import re
from uuid import uuid4

import pytest
from django.utils.translation import override

from events.enums import Arrived
from events.ingress.incoming import MAX_EVENT_ID, read_event
from events.log.sentences import (
    CARD_NOT_UPDATED,
    HANDLER_HANGS,
    HANDLER_STOPPED,
    LOST_CLICK,
    NO_HANDLER,
    NO_HANDLER_FOR_CLICK,
    NOT_DONE,
    NOT_INSTALLED,
    NOT_STORABLE,
    SENTENCES,
    shown,
)
from events.subscriptions.http.failures import SET_ASIDE, WORKER_LOST
from tests.factories import message_event

HEADER = message_event()["header"]
UNREADABLE = {
    "no JSON": b"{",
    "compressed": b"\x1f\x8b\x08",
    "no envelope": b"{}",
    "no type": json.dumps({"schema": "2.0", "header": {"event_id": "x"}}).encode(),
    "no old type": b'{"uuid": "x", "event": {"type": 7}}',
    "too long": json.dumps(
        {"schema": "2.0", "header": HEADER | {"event_id": "x" * (MAX_EVENT_ID + 1)}}
    ).encode(),
}


def in_both(stored: str) -> tuple[str, str]:
    with override("en"):
        english = shown(stored)
    with override("zh-hans"):
        return english, shown(stored)


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_why_an_event_cannot_be_read_is_told_in_both_languages(body: bytes):
    stored = read_event(bot_id=uuid4(), payload=body, arrived_by=Arrived.WEBHOOK).error
    english, chinese = in_both(stored)
    assert english == stored
    assert re.search("[\u4e00-\u9fff]", chinese), chinese


@pytest.mark.parametrize(
    "stored",
    [
        NOT_DONE(seconds="2.5"),
        NOT_INSTALLED(),
        NO_HANDLER(type="url.preview.get"),
        NO_HANDLER_FOR_CLICK(action="approve"),
        HANDLER_HANGS(),
        HANDLER_STOPPED(),
        NOT_STORABLE(kind="DataError"),
        LOST_CLICK(),
        CARD_NOT_UPDATED(error="99991400: too many requests"),
        WORKER_LOST(),
        SET_ASIDE(),
    ],
)
def test_why_a_handler_did_not_come_to_its_end_is_told_in_both_languages(stored: str):
    english, chinese = in_both(stored)
    assert english == stored
    assert re.search("[\u4e00-\u9fff]", chinese)


def test_values_are_kept_and_words_of_handlers_left_alone():
    assert "2.5 秒" in in_both(NOT_DONE(seconds="2.5"))[1]
    assert "“approve”" in in_both(NO_HANDLER_FOR_CLICK(action="approve"))[1]
    assert in_both("ValueError: no such order")[1] == "ValueError: no such order"


def test_no_sentence_is_taken_for_another():
    for sentence in SENTENCES:
        stored = sentence(**dict.fromkeys(("seconds", "action", "type", "error", "kind"), "x"))
        assert [one for one in SENTENCES if one.values_in(stored) is not None] == [sentence]
