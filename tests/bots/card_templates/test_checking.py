import json
from typing import Any

import pytest

from bots.card_templates.checking import checked, parsed, sample
from bots.errors import TemplateError

VARIABLES = {"text": {"type": "text", "example": "Disk full"}}


def card(content: str = "{{text}}", **more: Any) -> str:
    return json.dumps(
        {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": content}]}, **more}
    )


def test_card_of_either_version_is_taken_and_shown_with_its_examples() -> None:
    assert sample(*checked(card(), VARIABLES))["body"]["elements"][0]["content"] == "Disk full"
    old = json.dumps({"elements": [{"tag": "div", "text": {"tag": "lark_md", "content": "{{text}}"}}]})
    assert sample(*checked(old, VARIABLES))["elements"][0]["text"]["content"] == "Disk full"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "This is not JSON: line 1, column 2"),
        ("[]", "This is not a JSON object"),
        ("[" * 100_000, "The card is nested too deeply"),
        ('{"elements": "x {{text}}"}', "At card.elements"),
        ('{"header": {}}', "A card of version 1.0 has its elements"),
        ('{"schema": "2.0", "elements": []}', "A card of version 2.0 has its elements in “body”"),
        ('{"schema": "3.0", "elements": []}', "The card’s schema is"),
        ('{"type": "template", "data": {"template_id": "x"}}', "This names a card that the platform keeps"),
        (card(nothing=1), "The platform would refuse the card (200621): unknown property in card: nothing"),
        (card().replace("markdown", "note"), "The platform would refuse the card (200861)"),
        (card(header={"template": []}), "The platform would refuse the card (200621)"),
        (card("{{text}}" + "x" * 31_000), "The card has 31"),
        (card("no variable"), "The variable “text” is not used"),
        (card("{{text}} {{other}}"), "“{{other}}” at card.body.elements[0].content is not declared"),
    ],
)
def test_card_that_could_not_be_sent_is_refused(text: str, said: str) -> None:
    with pytest.raises(TemplateError) as refused:
        checked(text, VARIABLES)
    assert str(refused.value).startswith(said)


def test_json_says_in_which_line_it_stops() -> None:
    with pytest.raises(TemplateError) as refused:
        parsed('{\n  "a": 1\n  "b": 2\n}')
    assert str(refused.value) == "This is not JSON: line 3, column 3: Expecting ',' delimiter."
