import json
from decimal import Decimal

import pytest

from events import callback_response, toast
from events.clicks.answers import CLICKED_BEFORE, FAILED, NOTHING, PROCESSING, encoded
from feishu.text import Text

CLICK, OLD_CARD, PREVIEW = "card.action.trigger", "card.action.trigger_v1", "url.preview.get"
OWN = callback_response(toast=toast("success", Text("已批准", "Approved")))
INLINE = {"inline": {"title": "标题"}}


@pytest.mark.parametrize("answer", [PROCESSING, FAILED, CLICKED_BEFORE, OWN, NOTHING])
def test_click_gets_every_answer(answer):
    assert json.loads(encoded(answer, CLICK)) == answer


@pytest.mark.parametrize("answer", [PROCESSING, FAILED, CLICKED_BEFORE])
def test_link_preview_gets_no_toast_of_ours(answer):
    assert encoded(answer, PREVIEW) == b"{}"


def test_link_preview_gets_the_answer_of_its_handler_as_utf_8():
    assert encoded(INLINE, PREVIEW) == '{"inline":{"title":"标题"}}'.encode()


@pytest.mark.parametrize("answer", [PROCESSING, FAILED, OWN, INLINE])
def test_old_card_callback_gets_nothing(answer):
    assert encoded(answer, OLD_CARD) == b"{}"


@pytest.mark.parametrize("event_type", [PREVIEW, "profile.view.get"])
def test_only_a_click_gets_a_toast(event_type):
    assert encoded(OWN | INLINE, event_type) == encoded(INLINE, event_type)


@pytest.mark.parametrize(
    "answer", [{"card": Decimal(1)}, {"toast": {1, 2}}, {"toast": float("nan")}, {(1, 2): 3}]
)
def test_answer_that_json_cannot_say_is_the_handlers_failure(answer, caplog):
    assert json.loads(encoded(answer, CLICK)) == FAILED
    assert encoded(answer, PREVIEW) == b"{}"
    assert "callback_answer_not_json" in caplog.text


def test_half_of_a_surrogate_pair_costs_no_answer():
    assert (
        encoded(callback_response(toast=toast("info", Text("好\ud83d", "ok"))), CLICK).decode().count("好?")
        == 1
    )
