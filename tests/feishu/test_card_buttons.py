import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feishu.card_buttons import (
    NO_CLICK,
    action_of,
    disabled,
    enabled,
    is_single_use,
    read_click,
    read_old_click,
)
from feishu.cards import button, card, markdown
from feishu.text import Text

APPROVE = button(Text("批准", "Approve"), value={"action": "approve", "once": True})
OPEN = button(Text("打开", "Open"), url="https://portal.example.com/", value={"action": "open"})


def with_buttons(*buttons):
    return card(None, [markdown(Text("请假", "Leave")), {"tag": "column_set", "columns": [
        {"tag": "column", "elements": list(buttons)}]}])  # fmt: skip


def test_buttons_that_count_once_are_disabled_wherever_they_are_and_no_others():
    shown = disabled(with_buttons(APPROVE, OPEN))
    approve, open_ = shown["body"]["elements"][1]["columns"][0]["elements"]
    assert approve["disabled"] is True
    assert approve["disabled_tips"]["i18n_content"] == {"zh_cn": "已经点击过了", "en_us": "Clicked already"}
    assert {**approve, "disabled": None, "disabled_tips": None} == {
        **APPROVE,
        "disabled": None,
        "disabled_tips": None,
    }
    assert open_ == OPEN


def test_card_of_version_one_has_its_value_at_the_button():
    old = {"elements": [{"tag": "action", "actions": [
        {"tag": "button", "value": {"once": True}}, {"tag": "button", "value": {"once": "true"}}]}]}  # fmt: skip
    first, second = disabled(old)["elements"][0]["actions"]
    assert first["disabled"] is True
    assert "disabled" not in second


def test_what_was_disabled_by_a_click_is_as_before():
    before = with_buttons(APPROVE, OPEN)
    assert enabled(disabled(before)) == before


def test_button_that_its_author_disabled_stays_so():
    before = with_buttons(APPROVE | {"disabled": True})
    assert disabled(before) is None
    assert enabled(before) is None


def test_nothing_to_change_is_none():
    for nothing in (with_buttons(OPEN), {}, {"type": "template", "data": {"template_id": "t"}}):
        assert disabled(nothing) is None
        assert enabled(nothing) is None


def test_card_may_hold_anything():
    odd = {"a": [None, 1, "x", {"tag": "button", "behaviors": [None, {"value": None}, 3], "value": []}]}
    assert disabled(odd) is None
    deep: dict = {"tag": "button", "value": {"once": True}}
    for _ in range(200):
        deep = {"elements": [deep]}
    assert disabled(deep) is not None


# --- clicks


def clicked(value, *, message_id="om_1", name=None) -> bytes:
    event = {"action": {"value": value, "name": name}, "context": {"open_message_id": message_id}}
    return json.dumps(event).encode()


def test_click_names_the_action_of_its_button():
    assert read_click(clicked({"action": "approve"})).action == "approve"
    assert read_click(clicked({"action": "approve"})).single_use_key == ""


def test_clicks_on_a_single_use_button_have_one_key_whatever_the_order_of_its_value():
    key = read_click(clicked({"once": True, "action": "approve"})).single_use_key
    assert is_single_use(key)
    assert read_click(clicked({"action": "approve", "once": True})).single_use_key == key
    others = [
        clicked({"action": "reject", "once": True}),
        clicked({"action": "approve", "once": True}, message_id="om_2"),
        clicked({"action": "approve", "once": True}, name="second"),
    ]
    assert key not in {read_click(other).single_use_key for other in others}


@pytest.mark.parametrize(
    ("value", "message_id"), [({"once": "true"}, "om_1"), ({"once": 1}, "om_1"), ({"once": True}, None)]
)
def test_button_is_single_use_only_by_its_own_word_and_on_a_message(value, message_id):
    assert read_click(clicked(value, message_id=message_id)).single_use_key == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    event=JSON
    | st.fixed_dictionaries({"action": JSON | st.fixed_dictionaries({"value": JSON}), "context": JSON}),
    message_id=st.none() | st.text(),
)
def test_whatever_was_clicked_is_a_click_or_none(event, message_id):
    raw = msgspec.Raw(json.dumps(event).encode())
    for click in (read_click(raw), read_old_click(raw, message_id)):
        assert click == NO_CLICK or isinstance(click.action, str)


@pytest.mark.parametrize(
    ("action", "name"),
    [
        ({"tag": "button", "value": '{"action": "approve", "no": 7}'}, "approve"),
        ({"tag": "button", "value": "approve"}, "approve"),
        ({"tag": "button", "value": '"{\\"action\\": \\"approve\\"}"'}, "approve"),
        ({"tag": "button", "value": '\n {"action": "approve"}'}, "approve"),
        ({"tag": "button", "value": '"approve"'}, '"approve"'),
        ({"tag": "button", "value": 7}, "7"),
        ({"tag": "button", "value": 0}, "0"),
        ({"tag": "button", "name": "ok", "value": True}, "ok"),
        ({"tag": "button", "name": "ok", "value": ["approve"]}, "ok"),
        ({"tag": "button", "value": "{no json"}, "{no json"),
        ({"tag": "button", "value": "[1]"}, "[1]"),
        ({"tag": "button", "name": "submit_leave", "form_value": {"reason": "x"}}, "submit_leave"),
        ({"tag": "button", "name": "submit_leave", "value": {"action": "leave"}}, "leave"),
        ({"tag": "button", "name": "submit_leave", "value": {"action": ""}}, "submit_leave"),
        ({"tag": "select_static", "name": "level", "option": "p1"}, "level"),
        ({"tag": "overflow", "option": "archive", "value": {}}, "overflow"),
        ({"tag": "checker", "name": "", "checked": True}, "checker"),
        ({"tag": "button", "value": {"action": 5}}, "5"),
        ({"value": None, "name": ["x"], "tag": {}}, ""),
        ({}, ""),
        ("approve", ""),
    ],
)
def test_click_asks_for_its_action_its_word_its_name_or_its_tag(action, name):
    assert action_of(action) == name
    assert read_click(json.dumps({"action": action}).encode()).action == name


def test_button_that_its_handler_makes_one_of_single_use_has_a_key_too():
    [one, other] = [
        read_click(
            json.dumps(
                {
                    "action": {"tag": "button", "name": "submit", "form_value": {"text": text}},
                    "context": {"open_message_id": "om_1"},
                }
            ).encode()
        )
        for text in ("a", "b")
    ]
    assert one.single_use_key == ""
    assert one.button_key == other.button_key
    assert is_single_use(one.button_key)


def test_buttons_of_a_single_use_handler_are_disabled_by_their_name():
    card = {"elements": [{"tag": "button", "name": "submit"}, {"tag": "button", "name": "cancel"}]}
    assert disabled(card) is None
    shown = disabled(card, {"submit"})
    assert [button.get("disabled") for button in shown["elements"]] == [True, None]
    assert enabled(shown, {"submit"}) == card
