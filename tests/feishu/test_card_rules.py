"""Which cards the platform takes."""

from typing import Any

import pytest

from feishu import card_rules
from feishu.card_rules import CardError, check
from sandbox.cards.buttons import callback_buttons
from tests.sandbox.cards import button, card

TEXT = {"tag": "plain_text", "content": "Go", "i18n_content": {"zh_cn": "去", "en_us": "Go"}}
GOOD: list[dict[str, Any]] = [
    {"tag": "markdown", "content": "**hi**", "i18n_content": {"zh_cn": "**嗨**"}, "text_size": "notation"},
    {"tag": "hr", "margin": "4px"},
    {"tag": "div", "text": TEXT, "icon": {"tag": "standard_icon", "token": "x"}},
    button("go", type="primary_filled", size="small", width="fill", disabled=True, disabled_tips=TEXT),
    button("go", confirm={"title": TEXT, "text": TEXT}),
    {
        "tag": "button",
        "text": TEXT,
        "behaviors": [{"type": "open_url", "default_url": "https://example.test"}],
    },
    {
        "tag": "column_set",
        "columns": [{"tag": "column", "width": "weighted", "weight": 1, "elements": [button("a")]}],
    },
    {"tag": "form", "name": "f", "elements": [{"tag": "input", "name": "i"}, button("s", name="s")]},
    {"tag": "collapsible_panel", "header": {"title": TEXT}, "elements": [{"tag": "hr"}]},
]


@pytest.mark.parametrize("element", GOOD, ids=lambda element: element["tag"])
def test_documented_components_are_taken(element: dict[str, Any]) -> None:
    check(card(element))


def test_header_and_config_are_taken() -> None:
    header = {
        "template": "blue",
        "title": TEXT,
        "subtitle": TEXT,
        "text_tag_list": [{"tag": "text_tag", "text": TEXT}],
    }
    check({**card(), "header": header, "config": {"update_multi": True, "summary": {"content": "x"}}})


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (card({"tag": "action", "actions": []}), card_rules.UNSUPPORTED_TAG),
        (card({"tag": "note", "elements": []}), card_rules.UNSUPPORTED_TAG),
        (card({"tag": "textarea"}), card_rules.UNSUPPORTED_TAG),
        (card(button("a", url="https://example.test")), card_rules.BAD_JSON),
        (card(button("a", type="huge")), card_rules.BAD_JSON),
        (card(button("a", behaviors=[{"type": "open_url"}])), card_rules.BAD_JSON),
        (card(button("a", behaviors=[{"type": "jump"}])), card_rules.BAD_JSON),
        (card({"tag": "markdown"}), card_rules.BAD_JSON),
        (card({"tag": "markdown", "content": "x", "i18n_content": {"xx": "y"}}), card_rules.BAD_JSON),
        (card({"tag": "button", "text": {"tag": "markdown", "content": "x"}}), card_rules.BAD_JSON),
        (card(*[{"tag": "hr"}] * 201), card_rules.TOO_MANY_ELEMENTS),
        (card({"tag": "form", "name": "f", "elements": [button("s")]}), card_rules.EMPTY_FORM_NAME),
        ({**card(), "elements": []}, card_rules.BAD_JSON),
        ({**card(), "i18n_elements": {}}, card_rules.BAD_JSON),
        (card(update_multi=False), card_rules.BAD_JSON),
        (card(wide_screen_mode=True), card_rules.BAD_JSON),
        ({**card(), "header": {"template": "pink"}}, card_rules.BAD_JSON),
        ({**card(), "schema": "3.0"}, card_rules.BAD_JSON),
        ({"type": "template", "data": {"template_id": "x"}}, card_rules.TEMPLATE_MISSING),
    ],
)
def test_everything_else_is_refused_in_schema_2(broken: dict[str, Any], code: int) -> None:
    with pytest.raises(CardError) as refusal:
        check(broken)
    assert refusal.value.code == code
    assert f"ErrCode: {code}; " in str(refusal.value)


def test_schema_1_ignores_what_it_does_not_know() -> None:
    check({"elements": [{"tag": "action", "actions": [{"tag": "button", "colour": "pink"}]}], "strange": 1})


def test_callback_buttons_are_found_in_order_wherever_they_are() -> None:
    nested = {"tag": "column_set", "columns": [{"tag": "column", "elements": [button("b", name="second")]}]}
    link = {"tag": "button", "behaviors": [{"type": "open_url", "default_url": "https://example.test"}]}
    found = callback_buttons(card(button("a"), link, nested, button("off", disabled=True)))
    assert found == [
        {"value": {"op": "a"}, "tag": "button"},
        {"value": {"op": "b"}, "tag": "button", "name": "second"},
    ]


def test_buttons_of_schema_1_call_back_by_their_value() -> None:
    old = {"elements": [{"tag": "action", "actions": [{"tag": "button", "value": {"op": "x"}}]}]}
    assert callback_buttons(old) == [{"value": {"op": "x"}, "tag": "button"}]
