"""A person clicks on a card: the callback, the check of its response, what the client then shows.

Pages "Card callback communication" and "Handle card callbacks".
"""

import json
import time
from contextlib import nullcontext
from typing import Any, Final

from msgspec import Struct

from feishu.callbacks import CLICK
from feishu.values import text_of
from sandbox.cards import validation
from sandbox.config import AppConfig, PersonConfig
from sandbox.delivery import envelopes
from sandbox.delivery.courier import Courier
from sandbox.strange_json import parse_json
from sandbox.world import ids
from sandbox.world.deliveries import AppAnswer
from sandbox.world.messages import Message, Preview
from sandbox.world.world import World

TOO_OLD: Final = 300000
NOT_CONFIGURED: Final = 200340
NO_ANSWER: Final = 200341
UNREACHABLE: Final = 200342
BAD_STATUS: Final = 200671
BAD_RESPONSE: Final = 200672
BAD_CARD: Final = 200673
WRONG_SCHEMA: Final = 200830
EMPTY_ACK: Final = 108002
"""Seen in the wild for an ack on the long connection that carries no data at all."""
INTERACTION_SECONDS: Final = {True: 14 * 86400, False: 30 * 86400}
"""How long a card of schema 2.0, and one of 1.0, can be clicked."""
UPDATE_SECONDS: Final = 14 * 86400

_TOAST_TYPES = {"info", "success", "error", "warning"}


class ClickResult(Struct):
    """What the person sees: `code` 0 with an optional toast, or the client's error code."""

    code: int
    toast: dict[str, Any] | None = None
    card_updated: bool = False
    latency_ms: float = 0.0
    token: str = ""


class _Refused(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


async def click(
    world: World,
    courier: Courier,
    app: AppConfig,
    *,
    person: PersonConfig,
    message: Message,
    action: dict[str, Any],
    preview: Preview | None = None,
) -> ClickResult:
    """Push `card.action.trigger` and do with the card, the message's or that of a link in it, what the response says."""
    if CLICK not in app.callbacks:
        return ClickResult(code=NOT_CONFIGURED)
    card = card_in(message, preview)
    if world.clock() - message.create_time / 1000 > INTERACTION_SECONDS[validation.is_v2(card)]:
        return ClickResult(code=TOO_OLD)
    token = world.new_callback_token(app.app_id, message.message_id, preview.token if preview else "")
    event_id = ids.event_id()
    payload = envelopes.schema_2(
        app,
        CLICK,
        envelopes.card_clicked(app, person, message, token=token, action=action, preview=preview),
        event_id=event_id,
        create_time=str(int(world.clock() * 1_000_000)),
    )
    started = time.monotonic()
    entity = world.card_entities.of_message(message.message_id)
    with entity.clicked() if entity is not None else nullcontext():
        answer = await courier.call_back(app, payload, event_id=event_id, event_type=CLICK)
    result = _result(world, app, message, preview, answer)
    world.callback_tokens[token].answered = True
    result.latency_ms = round((time.monotonic() - started) * 1000, 1)
    result.token = token
    return result


def card_in(message: Message, preview: Preview | None) -> dict[str, Any]:
    """The card of a message, or of a link in it; `{}` where there is none."""
    return message.body if preview is None else preview.card or {}


def show(world: World, message: Message, card: dict[str, Any], preview: Preview | None = None) -> None:
    """Put another card in the place of the one in a message, or of a link in it, for everybody who sees it."""
    if preview is not None:
        preview.card = card
    else:
        message.content = json.dumps(card, ensure_ascii=False, separators=(",", ":"))
        message.update_time = world.now_ms
        message.updated = True
    world.watchers.tell("message", message=message.shown())


def _result(
    world: World, app: AppConfig, message: Message, preview: Preview | None, answer: AppAnswer
) -> ClickResult:
    try:
        response = _response(app, answer)
        toast = _toast(response)
        card = _card(response, card_in(message, preview))
    except _Refused as refusal:
        return ClickResult(code=refusal.code)
    recent = world.clock() - message.create_time / 1000 <= UPDATE_SECONDS
    if card is not None and recent:
        show(world, message, card, preview)
    return ClickResult(code=0, toast=toast, card_updated=card is not None and recent)


def _response(app: AppConfig, answer: AppAnswer) -> dict[str, Any]:
    codes = {
        "no_connection": NOT_CONFIGURED,
        "timeout": NO_ANSWER,
        "closed": NO_ANSWER,
        "congested": NO_ANSWER,
        "unreachable": UNREACHABLE,
        "refused": BAD_STATUS,
    }
    if answer.outcome in codes:
        raise _Refused(codes[answer.outcome])
    if answer.data is None:
        raise _Refused(EMPTY_ACK if (app.callback_mode or app.mode) == "websocket" else BAD_RESPONSE)
    try:
        response = parse_json(answer.data)
    except ValueError:
        raise _Refused(BAD_RESPONSE) from None
    if not isinstance(response, dict):
        raise _Refused(BAD_RESPONSE)
    return response


def _toast(response: dict[str, Any]) -> dict[str, Any] | None:
    toast = response.get("toast")
    if toast is None:
        return None
    if not isinstance(toast, dict) or text_of(toast.get("type", "info")) not in _TOAST_TYPES:
        raise _Refused(BAD_RESPONSE)
    return toast


def _card(response: dict[str, Any], shown: dict[str, Any]) -> dict[str, Any] | None:
    wrapped = response.get("card")
    if wrapped is None:
        return None
    if not isinstance(wrapped, dict) or not isinstance(wrapped.get("data"), dict):
        raise _Refused(BAD_CARD)
    if wrapped.get("type") != "raw":
        raise _Refused(BAD_CARD)
    card: dict[str, Any] = wrapped["data"]
    if validation.is_v2(shown) != validation.is_v2(card):
        raise _Refused(BAD_CARD if validation.is_v2(card) else WRONG_SCHEMA)
    try:
        validation.check(card)
    except validation.CardError:
        raise _Refused(BAD_CARD) from None
    if len(json.dumps(card, ensure_ascii=False).encode()) > validation.MAX_BYTES:
        raise _Refused(BAD_CARD)
    return card
