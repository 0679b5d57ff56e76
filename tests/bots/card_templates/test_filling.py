from typing import Any

import pytest

from bots.card_templates.filling import fill, names_in
from bots.card_templates.variables import declared, values_for
from bots.errors import TemplateError

VARIABLES = declared(
    {
        "text": {"type": "text"},
        "count": {"type": "number", "default": 3},
        "is_open": {"type": "boolean", "default": False},
        "page": {"type": "link", "default": "https://wiki.example.com/a_(b)"},
        "picture": {"type": "image", "default": "img_v2_1"},
        "who": {"type": "person", "default": "ou_1"},
        "colour": {"type": "choice", "choices": ["red", "green"], "default": "red"},
    }
)
EVIL = '**b** [x](https://evil.example.com) <at id=all></at>\n1. "quoted"'


def filled(element: Any, text: str = EVIL) -> Any:
    card = {"schema": "2.0", "body": {"elements": [element]}}
    return fill(card, VARIABLES, values_for(VARIABLES, {"text": text}))["body"]["elements"][0]


def test_text_in_markdown_is_escaped_and_keeps_its_lines() -> None:
    content = filled({"tag": "markdown", "content": "**Host** {{text}}"})["content"]
    assert content.startswith("**Host** &#42;&#42;b")
    assert content.count("<") == 1
    assert "<br>" in content
    assert not {"[", "]", "(", '"'} & set(content.removeprefix("**Host** "))


def test_number_and_dot_at_the_beginning_make_no_list() -> None:
    assert filled({"tag": "markdown", "content": "{{text}}"}, "1. a")["content"] == "1&#46; a"


def test_every_language_of_a_text_is_filled_alike() -> None:
    text = {"tag": "lark_md", "content": "{{text}}", "i18n_content": {"zh_cn": "主机 {{text}}"}}
    shown = filled({"tag": "div", "text": text}, "a*b")["text"]
    assert (shown["content"], shown["i18n_content"]["zh_cn"]) == ("a&#42;b", "主机 a&#42;b")


def test_text_in_plain_text_stays_as_it_is_on_one_line() -> None:
    element = {"tag": "button", "text": {"tag": "plain_text", "content": "Open {{text}} {{count}}"}}
    assert filled(element, "a*b\n\u202ec")["text"]["content"] == "Open a*b c 3"


def test_text_in_an_address_is_one_part_of_it() -> None:
    element = {
        "tag": "button",
        "behaviors": [{"type": "open_url", "default_url": "https://a.example.com/{{text}}?n={{count}}"}],
    }
    address = filled(element, "../x?y=1#z")["behaviors"][0]["default_url"]
    assert address == "https://a.example.com/..%2Fx%3Fy%3D1%23z?n=3"


def test_link_is_a_whole_address_and_cannot_leave_its_brackets() -> None:
    element = {"tag": "markdown", "content": "[page]({{page}})"}
    assert filled(element)["content"] == "[page](https://wiki.example.com/a_%28b%29)"
    assert filled({"tag": "button", "url": "{{page}}"})["url"] == "https://wiki.example.com/a_(b)"


def test_click_brings_values_back_as_data() -> None:
    value = {"action": "ack", "host": "{{text}}", "count": "{{count}}", "deep": [{"open": "{{is_open}}"}]}
    element = {"tag": "button", "behaviors": [{"type": "callback", "value": value}]}
    assert filled(element)["behaviors"][0]["value"] == {
        "action": "ack",
        "host": EVIL,
        "count": 3,
        "deep": [{"open": False}],
    }


def test_settings_take_numbers_choices_and_yes_or_no() -> None:
    card = {
        "header": {"template": "{{colour}}"},
        "body": {
            "elements": [{"tag": "button", "disabled": "{{is_open}}"}, {"tag": "input", "rows": "{{count}}"}]
        },
    }
    made = fill(card, VARIABLES, values_for(VARIABLES, {"text": ""}))
    assert made["header"]["template"] == "red"
    assert made["body"]["elements"] == [{"tag": "button", "disabled": False}, {"tag": "input", "rows": 3}]


def test_table_has_values_as_its_columns_are() -> None:
    table = {
        "tag": "table",
        "columns": [
            {"name": "a", "data_type": "markdown"},
            {"name": "b", "data_type": "text"},
            {"name": "c", "data_type": "number"},
        ],
        "rows": [{"a": "{{text}}", "b": "{{text}}", "c": "{{count}}"}],
    }
    assert filled(table, "a*b")["rows"] == [{"a": "a&#42;b", "b": "a*b", "c": 3}]


def test_people_pictures_and_options_are_filled() -> None:
    element = {
        "tag": "form",
        "elements": [
            {"tag": "person", "user_id": "{{who}}"},
            {"tag": "img", "img_key": "{{picture}}"},
            {
                "tag": "select_static",
                "options": [{"text": {"tag": "plain_text", "content": "a"}, "value": "{{text}}"}],
            },
            {"tag": "markdown", "content": "<at id={{who}}></at>"},
        ],
    }
    person, picture, chosen, text = filled(element, "x")["elements"]
    assert (person["user_id"], picture["img_key"], chosen["options"][0]["value"]) == ("ou_1", "img_v2_1", "x")
    assert text["content"] == "<at id=ou_1></at>"


@pytest.mark.parametrize(
    "element",
    [
        # What a component is and does.
        {"tag": "{{text}}"},
        {"tag": "{{colour}}"},
        {"tag": "button", "name": "{{text}}"},
        {"tag": "button", "value": "{{text}}"},
        {"tag": "button", "value": {"action": "{{text}}"}},
        {"tag": "button", "value": {"action": "{{colour}}"}},
        {"tag": "button", "value": {"deep": {"action": "{{text}}"}}},
        {"tag": "button", "value": {"once": "{{is_open}}"}},
        {"tag": "button", "behaviors": [{"type": "callback", "value": "{{text}}"}]},
        {"tag": "button", "behaviors": [{"type": "{{colour}}", "value": {}}]},
        {"{{text}}": "a"},
        # Where an address leads.
        {"tag": "button", "url": "{{text}}"},
        {"tag": "button", "url": "https://{{text}}/a"},
        {"tag": "button", "url": "{{colour}}://a.example.com/"},
        {"tag": "button", "url": "https://a.example.com/{{page}}"},
        {"tag": "button", "url": "https://a.example.com{{text}}"},
        # Of another kind.
        {"tag": "button", "size": "{{text}}"},
        {"tag": "button", "size": "a {{colour}}"},
        {"tag": "markdown", "content": "{{is_open}}"},
        {"tag": "img", "img_key": "{{text}}"},
        {"tag": "person", "user_id": "{{text}}"},
        # Not declared.
        {"tag": "markdown", "content": "{{txet}}"},
        {"tag": "markdown", "content": "{{ }}"},
    ],
)
def test_variable_may_not_stand_where_it_would_decide_something(element: Any) -> None:
    with pytest.raises(TemplateError):
        filled(element)


def test_value_does_not_lead_to_another_path() -> None:
    with pytest.raises(TemplateError, match="cannot be"):
        filled({"tag": "button", "url": "https://a.example.com/{{text}}/b"}, "..")


def test_value_with_braces_is_not_filled_again() -> None:
    assert filled({"tag": "plain_text", "content": "{{text}}"}, "{{count}}")["content"] == "{{count}}"


def test_card_nested_too_deeply_is_refused() -> None:
    element: Any = {"tag": "markdown", "content": "{{text}}"}
    for _level in range(70):
        element = {"tag": "column", "elements": [element]}
    with pytest.raises(TemplateError, match="nested too deeply"):
        filled(element)


def test_names_are_found_wherever_they_stand() -> None:
    assert names_in({"a": ["{{x}} {{ y }}", {"b": "{{z}}"}], "c": 1}) == {"x", "y", "z"}
