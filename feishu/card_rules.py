"""Whether the platform would take a card, and the words in which it says no. Pure.

The refusal is code 230099 with a sub-code inside the message (page "Send message", list of error codes).
"""

from collections.abc import Mapping
from typing import Any

from feishu import card_schema as schema
from feishu.values import text_of

MAX_BYTES = 30 * 1024
MAX_ELEMENTS = 200

BAD_JSON = 200621
UNSUPPORTED_TAG = 200861
TOO_MANY_ELEMENTS = 11310
EMPTY_FORM_NAME = 200530
TEMPLATE_MISSING = 200380


class CardError(Exception):
    """The card is refused; `code` is the sub-code."""

    def __init__(self, code: int, message: str, value: object = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.value = value

    def __str__(self) -> str:
        return (
            f"Failed to create card content, ext=ErrCode: {self.code}; ErrMsg: {self.message}; "
            f"ErrorValue: {self.value}"
        )


def is_v2(card: Mapping[str, Any]) -> bool:
    return card.get("schema") == "2.0"


def is_shared(card: Mapping[str, Any]) -> bool:
    """Whether `config.update_multi` is declared, as updating a card demands."""
    config = card.get("config")
    return isinstance(config, dict) and config.get("update_multi") is True


def check(card: dict[str, Any]) -> None:
    """Raises CardError for a card that the platform would refuse, as far as its pages say so: of version 2.0 all of it, of 1.0, where
    what is unknown is ignored, nothing. There are no templates of the platform's to refer to."""
    if card.get("type") in {"template", "card"} and "data" in card:
        raise CardError(TEMPLATE_MISSING, "the template does not exist", card["type"])
    version = card.get("schema", "1.0")
    if version == "2.0":
        _Checker().card(card)
    elif version != "1.0":
        raise CardError(BAD_JSON, "schema is not supported", version)


class _Checker:
    """Walks a 2.0 card once, counting its elements."""

    def __init__(self) -> None:
        self._elements = 0

    def card(self, card: dict[str, Any]) -> None:
        _only("card", card, schema.CARD)
        config = _object("config", card.get("config", {}))
        _only("config", config, schema.CONFIG)
        if config.get("update_multi", True) is not True:
            raise CardError(BAD_JSON, "update_multi must be true in schema 2.0", config["update_multi"])
        if "header" in card:
            self._header(_object("header", card["header"]))
        body = _object("body", card.get("body", {}))
        _only("body", body, schema.BODY)
        self._elements_of(body, inside_form=False)

    def _header(self, header: dict[str, Any]) -> None:
        _only("header", header, schema.HEADER)
        if text_of(header.get("template", "default")) not in schema.TEMPLATES:
            raise CardError(BAD_JSON, "unknown header template", header["template"])
        for field in ("title", "subtitle"):
            if field in header:
                self._text(field, header[field])
        for tag in _list("text_tag_list", header.get("text_tag_list", [])):
            self._element(tag, inside_form=False)

    def _elements_of(self, container: dict[str, Any], *, inside_form: bool) -> None:
        for field in ("elements", "columns"):
            for child in _list(field, container.get(field, [])):
                self._element(child, inside_form=inside_form)

    def _element(self, element: object, *, inside_form: bool) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise CardError(TOO_MANY_ELEMENTS, "element exceeds the limit", self._elements)
        element = _object("element", element)
        tag = element.get("tag")
        known = schema.COMPONENTS.get(tag) if isinstance(tag, str) else None
        if known is None:
            message = "cards of schema V2 no longer support this capability"
            raise CardError(UNSUPPORTED_TAG, message, f"unsupported tag {tag}")
        _only(str(tag), element, known)
        self._details(str(tag), element, inside_form=inside_form)
        if tag != "table":
            self._elements_of(element, inside_form=inside_form or tag == "form")

    def _details(self, tag: str, element: dict[str, Any], *, inside_form: bool) -> None:
        for field in schema.TEXT_FIELDS & element.keys():
            self._text(field, element[field])
        if "i18n_content" in element:
            _languages(element["i18n_content"])
        if tag == "markdown" and not isinstance(element.get("content"), str):
            raise CardError(BAD_JSON, "markdown needs a content")
        if tag == "button" and text_of(element.get("type", "default")) not in schema.BUTTON_TYPES:
            raise CardError(BAD_JSON, "unknown button type", element["type"])
        if inside_form and (tag == "button" or "required" in element) and not element.get("name"):
            raise CardError(EMPTY_FORM_NAME, "a component inside a form needs a name", tag)
        _behaviors(element.get("behaviors", []))
        confirm = element.get("confirm")
        if isinstance(confirm, dict):
            for field in ("title", "text"):
                self._text(f"confirm.{field}", confirm.get(field, {"tag": "plain_text", "content": ""}))

    def _text(self, field: str, text: object) -> None:
        text = _object(field, text)
        if text.get("tag") not in {"plain_text", "lark_md"} or not isinstance(text.get("content"), str):
            raise CardError(BAD_JSON, f"{field} is not a text", text.get("tag", ""))
        _only(field, text, schema.COMPONENTS["plain_text"])
        _languages(text.get("i18n_content", {}))


def _behaviors(behaviors: object) -> None:
    for given in _list("behaviors", behaviors):
        behavior = _object("behavior", given)
        known = schema.BEHAVIORS.get(text_of(behavior.get("type")))
        if known is None:
            raise CardError(BAD_JSON, "unknown behavior", behavior.get("type", ""))
        _only("behavior", behavior, known)
        urls = [behavior.get(key) for key in ("default_url", "pc_url", "ios_url", "android_url")]
        if behavior["type"] == "open_url" and not any(urls):
            raise CardError(BAD_JSON, "open_url needs an URL")


def _languages(texts: object) -> None:
    unknown = _object("i18n_content", texts).keys() - schema.LANGUAGES
    if unknown:
        raise CardError(BAD_JSON, "unknown language", ", ".join(sorted(unknown)))


def _only(where: str, value: dict[str, Any], known: frozenset[str]) -> None:
    unknown = value.keys() - known
    if unknown:
        raise CardError(BAD_JSON, f"unknown property in {where}", ", ".join(sorted(unknown)))


def _list(where: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise CardError(BAD_JSON, f"{where} is not a list", type(value).__name__)
    return value


def _object(where: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CardError(BAD_JSON, f"{where} is not an object", type(value).__name__)
    return value
