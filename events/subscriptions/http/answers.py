"""What a receiver answers to a callback: read, and held to the platform's own shape (page "Handle card callbacks")."""

from codecs import BOM_UTF8
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import msgspec

from events.subscriptions.http.failures import BAD_SHAPE, CARD_TOO_LARGE, NOT_JSON, NOT_WHOLE
from events.subscriptions.http.post import PushResult
from feishu.callbacks import CLICKS
from feishu.cards import MAX_BYTES, Json

MAX_ANSWER: Final = 128 * 1024
"""Bytes of a response that are read: a card of 30 KB is longer where each of its characters is escaped."""


class Toast(msgspec.Struct, forbid_unknown_fields=True):
    content: str = ""
    type: Literal["info", "success", "error", "warning"] = "info"
    i18n: dict[str, str] | None = None


class Card(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["raw", "template"]
    data: dict[str, Any]


class ClickAnswer(msgspec.Struct, forbid_unknown_fields=True):
    """Either, both or neither."""

    toast: Toast | None = None
    card: Card | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """How a request for an answer ended. ``answer`` is None where there is none that could be shown; then ``result`` says why
    and is no success."""

    result: PushResult
    answer: Json | None = None


def read_answer(result: PushResult, event_type: str) -> Asked:
    """The answer in a receiver's response to a callback of this type; an empty body is the empty answer, and so are null and
    an empty list, which is how PHP writes an empty object."""
    if not result.is_success:
        return Asked(result)
    if result.body is None:
        return _faulty(result, NOT_WHOLE(status=result.status, most=MAX_ANSWER // 1024))
    body = result.body.removeprefix(BOM_UTF8)
    if not body.strip():
        return Asked(result, {})
    try:
        answer = msgspec.json.decode(body)
        answer = {} if answer is None or answer == [] else answer
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        return _faulty(result, NOT_JSON(status=result.status))
    return _click_answer(result, answer) if event_type in CLICKS else Asked(result, answer)


def _click_answer(result: PushResult, answer: Json) -> Asked:
    """What is null is left out, of the parts as well: so some languages write what is not there."""
    answer = {
        name: _filled(part) if isinstance(part, dict) else part for name, part in _filled(answer).items()
    }
    try:
        card = msgspec.convert(answer, ClickAnswer).card
    except msgspec.ValidationError as error:
        return _faulty(result, BAD_SHAPE(status=result.status, problem=str(error)))
    size = 0 if card is None else len(msgspec.json.encode(card.data))
    if size > MAX_BYTES:
        return _faulty(result, CARD_TOO_LARGE(status=result.status, size=size, most=MAX_BYTES))
    return Asked(result, answer)


def _filled(part: Json) -> Json:
    return {name: value for name, value in part.items() if value is not None}


def _faulty(result: PushResult, fault: str) -> Asked:
    return Asked(replace(result, fault=fault))
