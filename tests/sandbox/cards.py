"""Cards for tests."""

from typing import Any


def button(op: str, **more: Any) -> dict[str, Any]:
    behaviors = [{"type": "callback", "value": {"op": op}}]
    return {"tag": "button", "text": {"tag": "plain_text", "content": op}, "behaviors": behaviors, **more}


def card(*elements: dict[str, Any], **config: Any) -> dict[str, Any]:
    return {"schema": "2.0", "config": {"update_multi": True, **config}, "body": {"elements": list(elements)}}


CARD_WITH_BUTTON = card({"tag": "markdown", "content": "Now?"}, button("later", name="btn_later"))
