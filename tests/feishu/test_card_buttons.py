from feishu.card_buttons import disabled, enabled
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
