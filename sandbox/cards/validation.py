"""Reading a card from a message's content. What is refused, and how, is in `feishu.card_rules`."""

from typing import Any

from feishu.card_rules import (
    BAD_JSON,
    MAX_BYTES,
    TOO_MANY_ELEMENTS,
    CardError,
    check,
    is_shared,
    is_v2,
)
from sandbox.strange_json import parse_json

__all__ = ["MAX_BYTES", "TOO_MANY_ELEMENTS", "CardError", "check", "is_shared", "is_v2", "parse"]


def parse(content: str) -> dict[str, Any]:
    """The card in a message's content, checked. Raises CardError."""
    try:
        card = parse_json(content)
    except ValueError as error:
        raise CardError(
            BAD_JSON, "parse card json err, please check whether the card json is correct"
        ) from error
    if not isinstance(card, dict):
        raise CardError(BAD_JSON, "parse card json err, a card is an object")
    check(card)
    return card
