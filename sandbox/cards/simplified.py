"""The card as "Get message" returns it by default: its words, without its components."""

from typing import Any


def simplified(card: dict[str, Any]) -> dict[str, Any]:
    """`{"title", "elements": [[{"tag": "text", "text"}, …], …]}`, one row per component."""
    header = card.get("header") or {}
    title = header.get("title", {}).get("content")
    elements = card.get("body", card).get("elements", [])
    return {"title": title, "elements": [row for element in elements if (row := _row(element))]}


def _row(element: dict[str, Any]) -> list[dict[str, str]]:
    words: list[dict[str, str]] = []
    tag = "button" if element.get("tag") == "button" else "text"
    text = element.get("content") or (element.get("text") or {}).get("content")
    if isinstance(text, str):
        words.append({"tag": tag, "text": text})
    for field in ("elements", "columns", "actions"):
        for child in element.get(field, []):
            words += _row(child)
    return words
