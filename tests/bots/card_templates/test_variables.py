import pytest

from bots.card_templates.variables import declared, is_link, values_for
from bots.errors import TemplateError

ALL = {
    "title": {"type": "text", "example": "Disk full"},
    "count": {"type": "number", "default": 1},
    "is_open": {"type": "boolean", "default": True},
    "page": {"type": "link", "default": "https://wiki.example.com/a"},
    "picture": {"type": "image", "default": "img_v2_1"},
    "who": {"type": "person", "default": "ou_1"},
    "colour": {"type": "choice", "choices": ["red", "green"], "default": "green"},
}


def test_values_are_what_was_given_and_defaults() -> None:
    values = values_for(declared(ALL), {"title": "Hello", "count": 2.5, "colour": "red"})
    assert values == {
        "title": "Hello",
        "count": 2.5,
        "is_open": True,
        "page": "https://wiki.example.com/a",
        "picture": "img_v2_1",
        "who": "ou_1",
        "colour": "red",
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "The variable “title” is missing."),
        ({"title": "a", "titel": "b"}, "The card template has no variable “titel”."),
        ({"title": 1}, "The variable “title” is a text."),
        ({"title": "a", "count": "1"}, "The variable “count” is a number."),
        ({"title": "a", "count": True}, "The variable “count” is a number."),
        ({"title": "a", "count": float("inf")}, "The variable “count” is a number."),
        ({"title": "a", "is_open": "yes"}, "The variable “is_open” is true or false."),
        ({"title": "a", "page": "javascript:alert(1)"}, "The variable “page” is an address"),
        ({"title": "a", "picture": "https://x.example.com/p.png"}, "The variable “picture” is an image key"),
        ({"title": "a", "who": "all"}, "The variable “who” is an open_id"),
        ({"title": "a", "colour": "blue"}, "The variable “colour” is one of: red, green."),
        ({"title": None}, "The variable “title” is a text."),
    ],
)
def test_value_of_another_kind_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(TemplateError) as refused:
        values_for(declared(ALL), given)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    "variables",
    [
        [],
        {"Title": {"type": "text"}},
        {"a b": {"type": "text"}},
        {"title": "text"},
        {"title": {}},
        {"title": {"type": "markdown"}},
        {"title": {"type": ["text"]}},
        {"title": {"type": "text", "defualt": "x"}},
        {"title": {"type": "text", "description": 1}},
        {"title": {"type": "text", "default": 1}},
        {"title": {"type": "text", "choices": ["a"]}},
        {"title": {"type": "choice"}},
        {"title": {"type": "choice", "choices": []}},
        {"title": {"type": "choice", "choices": [1]}},
        {"title": {"type": "choice", "choices": ["a"], "default": "b"}},
        {"title": {"type": "link", "example": "wiki"}},
        {f"v{number}": {"type": "text"} for number in range(51)},
    ],
)
def test_declaration_that_cannot_be_is_refused(variables: object) -> None:
    with pytest.raises(TemplateError):
        declared(variables)


def test_preview_shows_example_then_default_then_something_of_the_kind() -> None:
    known = declared(ALL | {"body": {"type": "text"}, "tone": {"type": "choice", "choices": ["x", "y"]}})
    assert [known[name].sample for name in ("title", "count", "body", "tone")] == ["Disk full", 1, "…", "x"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.example.com/x?y=1#z", True),
        ("http://10.0.0.1:8080/", True),
        ("ftp://a.example.com", False),
        ("https://", False),
        ("https://user:secret@a.example.com", False),
        ("https://a.example.com/ b", False),
        ("https://a.example.com/\u202e", False),
        ("https://a.example.com\\@b.example.com", False),
        ("https://[", False),
        ("https://a.example.com/" + "x" * 2000, False),
    ],
)
def test_link_is_an_address_for_a_browser(text: str, expected: object) -> None:
    assert is_link(text) is expected
