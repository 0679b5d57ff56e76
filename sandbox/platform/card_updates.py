"""`POST /open-apis/interactive/v1/card/update`: the delayed update of a clicked card.

Page "Delay update message card". Must come after the callback was answered; 30 minutes, twice.
"""

import json
from typing import Any

from sandbox.cards import validation
from sandbox.delivery.callbacks import card_in, show
from sandbox.errors import PlatformError
from sandbox.platform.api_front import Call, admit
from sandbox.platform.messages import UPDATE_SCOPES
from sandbox.world.world import CallbackToken, World

TOKEN_SECONDS = 1800
TOKEN_USES = 2


async def update(call: Call) -> dict[str, Any]:
    caller = await admit(call, "interactive.card.update", scopes=UPDATE_SCOPES)
    body = call.json()
    token = _token(call.world, body.get("token"))
    if token.app_id != caller.app.app_id:
        raise PlatformError(200310, "the card is not the app's own")
    card = _card(body.get("card"))
    message = call.world.mailbox.get(token.message_id)
    if message is None or message.recalled:
        raise PlatformError(200000, "the message was recalled")
    preview = message.preview(token.preview_token) if token.preview_token else None
    if token.preview_token and preview is None:
        raise PlatformError(200000, "the message does not show the link any more")
    if not token.answered:
        raise PlatformError(300000, "the callback has not been answered yet")
    if not validation.is_v2(card) and not validation.is_shared(card) and not card.get("open_ids"):
        raise PlatformError(300090, "an exclusive card needs open_ids")
    if validation.is_v2(card_in(message, preview)) and not validation.is_v2(card):
        raise PlatformError(200830, "a card of schema 2.0 cannot become one of 1.0")
    token.uses += 1
    show(call.world, message, {key: value for key, value in card.items() if key != "open_ids"}, preview)
    return {"code": 0, "msg": "ok"}


def _token(world: World, value: object) -> CallbackToken:
    if not isinstance(value, str) or not value.startswith("c-"):
        raise PlatformError(300020, "the token is malformed")
    token = world.callback_tokens.get(value)
    if token is None or world.clock() - token.created_at > TOKEN_SECONDS:
        raise PlatformError(300030, "the token has expired")
    if token.uses >= TOKEN_USES:
        raise PlatformError(300040, "the token has been used too often")
    return token


def _card(card: object) -> dict[str, Any]:
    if not isinstance(card, dict):
        raise PlatformError(10002, "card must be an object")
    if len(json.dumps(card, ensure_ascii=False).encode()) > validation.MAX_BYTES:
        raise PlatformError(100000, "the card is too large")
    try:
        validation.check({key: value for key, value in card.items() if key != "open_ids"})
    except validation.CardError as error:
        raise PlatformError(11311, str(error)) from None
    return card
