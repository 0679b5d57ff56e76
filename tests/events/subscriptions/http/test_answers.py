"""What a receiver answers is shown where it has the platform's shape, and is a failure that says why where it has not."""

import json
from typing import Any

import pytest

from events.subscriptions.http.answers import read_answer
from events.subscriptions.http.failures import in_chinese
from events.subscriptions.http.post import PushResult
from feishu.callbacks import CLICK, PREVIEW
from feishu.cards import MAX_BYTES

TOAST = {"type": "success", "content": "Approved", "i18n": {"zh_cn": "已批准"}}
CARD = {"type": "raw", "data": {"schema": "2.0", "body": {"elements": []}}}
TEMPLATE = {"type": "template", "data": {"template_id": "AAqDemo000000"}}


def responded(content: Any, *, status: int = 200) -> PushResult:
    return PushResult(status, body=content if isinstance(content, bytes) else json.dumps(content).encode())


@pytest.mark.parametrize("answer", [{}, {"toast": TOAST}, {"card": CARD}, {"toast": TOAST, "card": TEMPLATE}])
def test_answer_in_the_platforms_shape_is_taken_as_it_is(answer):
    asked = read_answer(responded(answer), CLICK)
    assert (asked.answer, asked.result.is_success) == (answer, True)


@pytest.mark.parametrize(
    "content", [b"", b" \n", b"\xef\xbb\xbf{}", b"[]", b"null", {"toast": None, "card": None}]
)
def test_nothing_is_the_empty_answer(content):
    assert read_answer(responded(content, status=204), CLICK).answer == {}


def test_what_is_null_within_a_part_is_left_out():
    said = {"toast": {"type": None, "content": "Approved", "i18n": None}, "card": CARD | {"template": None}}
    assert read_answer(responded(said), CLICK).answer == {"toast": {"content": "Approved"}, "card": CARD}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html>", "not a JSON object"),
        (b"\xff", "not a JSON object"),
        (b'{"toast": {"content": "\\ud800"}}', "not a JSON object"),
        (b'{"card": NaN}', "not a JSON object"),
        (b"[" * 100_000, "not a JSON object"),
        ([TOAST], "not a JSON object"),
        ({"ok": True}, "`ok`"),
        ({"toast": "Approved"}, "$.toast"),
        ({"toast": TOAST | {"type": "warn"}}, "$.toast.type"),
        ({"toast": {"content": 7}}, "$.toast.content"),
        ({"card": {"schema": "2.0"}}, "$.card"),
        ({"card": CARD | {"type": "text"}}, "$.card.type"),
        ({"card": {"type": "raw", "data": "{}"}}, "$.card.data"),
        ({"card": {"type": "raw", "data": {"x": "飞" * 11_000}}}, f"the platform takes {MAX_BYTES}"),
    ],
)
def test_any_other_answer_says_what_is_wrong_with_it(content, said):
    asked = read_answer(responded(content), CLICK)
    assert asked.answer is None
    assert not asked.result.is_success
    assert said in asked.result.summary
    assert in_chinese(asked.result.summary) != asked.result.summary


def test_answer_that_was_not_read_to_its_end_is_none():
    asked = read_answer(PushResult(200, "{", body=None), CLICK)
    assert asked.answer is None
    assert "128 KB" in asked.result.summary


def test_refusal_stays_what_it_is():
    result = PushResult(500, "oh no", body=b"oh no")
    assert read_answer(result, CLICK).result is result


def test_other_callbacks_have_answers_of_their_own():
    preview = {"inline": {"title": "An order"}, "card": TEMPLATE}
    assert read_answer(responded(preview), PREVIEW).answer == preview
