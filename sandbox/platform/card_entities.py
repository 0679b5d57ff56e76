"""`/open-apis/cardkit/v1/cards`: cards that live apart from their message, and text that streams into them.

Pages "Create card entity", "Stream update text", "Update card entity settings", "Update the entire card entity",
"Convert message id to card id". `sequence` has to grow from call to call.
"""

import json
from typing import Any, Final

from sandbox.cards import validation
from sandbox.delivery.callbacks import show
from sandbox.errors import PlatformError
from sandbox.platform.gateway import Call, admit, invalid_field
from sandbox.strange_json import parse_json
from sandbox.world import ids
from sandbox.world.cards import CardEntity

SCOPES: Final = ("cardkit:card:write",)
CARD_MISSING: Final = 300301
STREAMING_CLOSED: Final = 300309
ELEMENT_MISSING: Final = 300313
OLD_SEQUENCE: Final = 300317
MAX_CONTENT: Final = 100_000


async def create(call: Call) -> dict[str, Any]:
    app = (await admit(call, "cardkit.card.create", scopes=SCOPES)).app
    body = call.json()
    if body.get("type") != "card_json":
        raise invalid_field("type", "type must be card_json; there are no templates here")
    entity = CardEntity(card_id=ids.card_id(), app_id=app.app_id, card=_card(body.get("data")))
    call.world.card_entities.add(entity)
    return {"code": 0, "msg": "success", "data": {"card_id": entity.card_id}}


async def update(call: Call) -> dict[str, Any]:
    """The whole card anew."""
    entity = await _entity(call, "cardkit.card.update")
    card = call.json().get("card")
    if not isinstance(card, dict) or card.get("type") != "card_json":
        raise invalid_field("card", "card must be an object with type card_json and data")
    new = _card(card.get("data"))
    return _changed(call, entity, new)


async def settings(call: Call) -> dict[str, Any]:
    entity = await _entity(call, "cardkit.card.settings")
    given = _object(call.json().get("settings"), "settings")
    config = entity.card.get("config", {}) | given.get("config", {})
    return _changed(call, entity, {**entity.card, "config": config})


async def content(call: Call) -> dict[str, Any]:
    """The text of an element so far: while the card streams, each call has the whole of it."""
    entity = await _entity(call, "cardkit.card.element.content")
    text = call.json().get("content")
    if not isinstance(text, str) or not 1 <= len(text) <= MAX_CONTENT:
        raise invalid_field("content", f"content must have 1 to {MAX_CONTENT} characters")
    if entity.card.get("config", {}).get("streaming_mode") is not True:
        raise PlatformError(STREAMING_CLOSED, "ErrMsg: streaming mode is closed")
    card = json.loads(json.dumps(entity.card))
    element = _find(card.get("body", {}), call.path("element_id"))
    if element is None or element.get("tag") not in {"markdown", "plain_text", "div"}:
        raise PlatformError(ELEMENT_MISSING, "ErrMsg: the element does not exist, or has no text")
    (element["text"] if element.get("tag") == "div" else element)["content"] = text
    return _changed(call, entity, card)


async def id_convert(call: Call) -> dict[str, Any]:
    app = (await admit(call, "cardkit.card.id_convert", scopes=SCOPES)).app
    message = call.world.mailbox.get(str(call.json().get("message_id")))
    if message is None or message.sender != app.app_id or message.msg_type != "interactive":
        raise PlatformError(CARD_MISSING, "ErrMsg: the message is no card of this app")
    entity = call.world.card_entities.of_message(message.message_id)
    if entity is None:
        entity = CardEntity(card_id=ids.card_id(), app_id=app.app_id, card=message.body)
        entity.message_ids.append(message.message_id)
        call.world.card_entities.add(entity)
    return {"code": 0, "msg": "success", "data": {"card_id": entity.card_id}}


async def _entity(call: Call, api: str) -> CardEntity:
    app = (await admit(call, api, scopes=SCOPES)).app
    entity = call.world.card_entities.get(call.path("card_id"))
    if entity is None or entity.app_id != app.app_id:
        raise PlatformError(CARD_MISSING, "ErrMsg: the card does not exist")
    return entity


def _changed(call: Call, entity: CardEntity, card: dict[str, Any]) -> dict[str, Any]:
    body = call.json()
    sequence, uuid = body.get("sequence"), body.get("uuid")
    if uuid and uuid == entity.uuid:
        return {"code": 0, "msg": "success", "data": {}}
    if not isinstance(sequence, int) or isinstance(sequence, bool) or not 0 < sequence < 2**31:
        raise invalid_field("sequence", "sequence must be a positive int32")
    if sequence <= entity.sequence:
        raise PlatformError(OLD_SEQUENCE, "ErrMsg: sequence number compare failed")
    entity.card, entity.sequence, entity.uuid = card, sequence, uuid
    for message_id in entity.message_ids:
        message = call.world.mailbox.get(message_id)
        if message is not None and not message.recalled:
            show(call.world, message, card)
    return {"code": 0, "msg": "success", "data": {}}


def _card(data: object) -> dict[str, Any]:
    card = _object(data, "data")
    if not validation.is_v2(card):
        raise PlatformError(200621, "ErrMsg: a card entity has schema 2.0")
    if len(json.dumps(card, ensure_ascii=False).encode()) > validation.MAX_BYTES:
        raise PlatformError(300306, "ErrMsg: the card is too large")
    try:
        validation.check(card)
    except validation.CardError as error:
        raise PlatformError(error.code, str(error)) from None
    return card


def _object(text: object, name: str) -> dict[str, Any]:
    try:
        value = parse_json(text) if isinstance(text, str) else None
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise invalid_field(name, f"{name} must be the JSON text of an object")
    return value


def _find(container: dict[str, Any], element_id: str) -> dict[str, Any] | None:
    if container.get("element_id") == element_id:
        return container
    children = (child for field in ("elements", "columns") for child in container.get(field, []))
    return next((found for child in children if (found := _find(child, element_id))), None)
