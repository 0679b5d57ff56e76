"""Card entities: cards that live apart from the message that shows them, so that text can be typed into them.

Pages "Create card entity", "Stream update text", "Update card entity settings", "Update the entire card entity" and "Add
components". Needs cardkit:card:write. ``sequence`` is higher with every call about a card.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import quote

from feishu.errors import MalformedAnswer
from feishu.openapi import OpenAPI

Json: TypeAlias = Mapping[str, Any]

_CARDS = "/open-apis/cardkit/v1/cards"


class CardKit:
    """Thread-safe. Every method raises what ``OpenAPI.call`` raises."""

    def __init__(self, api: OpenAPI) -> None:
        self._api = api

    def create(self, card: Json) -> str:
        """The card_id of a new card of schema 2.0, at most 30 KB; it can be sent once, and be changed for 14 days."""
        answer = self._api.call("POST", _CARDS, json={"type": "card_json", "data": _text(card)})
        data = answer.get("data")
        card_id = data.get("card_id") if isinstance(data, dict) else None
        if not isinstance(card_id, str) or not card_id:
            raise MalformedAnswer("the answer holds no card_id")
        return card_id

    def type(self, card_id: str, element_id: str, text: str, *, sequence: int) -> None:
        """The whole text of a component so far, at most 100,000 characters: what is new is typed on."""
        path = f"{_card(card_id)}/elements/{quote(element_id, safe='')}/content"
        self._api.call("PUT", path, json={"content": text, "sequence": sequence})

    def change(self, card_id: str, settings: Json, *, sequence: int) -> None:
        """Change some settings of a card."""
        path = f"{_card(card_id)}/settings"
        self._api.call("PATCH", path, json={"settings": _text(settings), "sequence": sequence})

    def replace(self, card_id: str, card: Json, *, sequence: int) -> None:
        """Another card in its place."""
        new = {"type": "card_json", "data": _text(card)}
        self._api.call("PUT", _card(card_id), json={"card": new, "sequence": sequence})

    def append(self, card_id: str, elements: Sequence[Json], *, sequence: int) -> None:
        """Further components at its end."""
        body = {"type": "append", "elements": _text(elements), "sequence": sequence}
        self._api.call("POST", f"{_card(card_id)}/elements", json=body)


def _card(card_id: str) -> str:
    return f"{_CARDS}/{quote(card_id, safe='')}"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
