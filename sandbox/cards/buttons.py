"""The buttons of a card whose click calls the app back."""

from typing import Any


def callback_buttons(card: dict[str, Any]) -> list[dict[str, Any]]:
    """In the order of the card, each as the `action` of its callback: `{"tag", "name"?, "value"}`."""
    found: list[dict[str, Any]] = []
    _collect(card.get("body", card), found)
    return found


def _collect(element: dict[str, Any], found: list[dict[str, Any]]) -> None:
    if element.get("tag") == "button" and not element.get("disabled"):
        value = _value(element)
        if value is not None:
            named = {"name": element["name"]} if element.get("name") else {}
            found.append({"value": value, "tag": "button", **named})
    for field in ("elements", "columns", "actions"):
        for child in element.get(field, []):
            if isinstance(child, dict):
                _collect(child, found)
    extra = element.get("extra")
    if isinstance(extra, dict):
        _collect(extra, found)


def _value(button: dict[str, Any]) -> Any:
    for behavior in button.get("behaviors", []):
        if behavior.get("type") == "callback":
            return behavior.get("value", {})
    if button.get("form_action_type") == "submit":
        return {}
    return button.get("value")
