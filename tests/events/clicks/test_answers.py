import json

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
