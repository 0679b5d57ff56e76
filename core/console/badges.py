"""Badges: states as coloured labels."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.db.models import Choices
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

Colours = Mapping[Any, str]
"""Unfold's label colours (success, info, warning, danger, primary) by value; grey for any other."""


def label(text: object, colour: str = "") -> SafeString:
    """A coloured label."""
    return _label(str(text), colour)


# A list has two in every row, and few different ones. Typed, since a SafeString equals a str of the same text.
@lru_cache(maxsize=512, typed=True)
def _label(text: str, colour: str) -> SafeString:
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": colour, "size": "md"})


def state(choice: Choices, colours: Colours) -> SafeString:
    """The label of a TextChoices member, in its colour."""
    return label(choice.label, colours.get(choice, ""))
