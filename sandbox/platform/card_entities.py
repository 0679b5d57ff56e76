"""`/open-apis/cardkit/v1/cards`: cards that live apart from their message, and text that streams into them.

Pages "Create card entity", "Stream update text", "Update card entity settings", "Update the entire card entity", "Add
components", "Convert message id to card id". `sequence` has to grow from call to call. Which code comes where a card gets more
than ten calls a second is not documented: here it is the gateway's.
"""

import json
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from feishu.card_rules import TOO_MANY_ELEMENTS as TOO_MANY
from sandbox.cards import validation
from sandbox.delivery.callbacks import show
from sandbox.errors import PlatformError
from sandbox.platform.api_front import Call, admit, invalid_field, too_often
from sandbox.strange_json import parse_json
from sandbox.world import ids
from sandbox.world.cards import LIFE_SECONDS, STREAMING_SECONDS, CardEntity

SCOPES: Final = ("cardkit:card:write",)
MISSING: Final = 200740
EXPIRED: Final = 200750
UUID_USED: Final = 200770
BEING_CLICKED: Final = 200810
STREAMING_TIMED_OUT: Final = 200850
TOO_LARGE: Final = 200860
DUPLICATE_ELEMENT: Final = 300301
NOT_SHARED: Final = 300302
OLD_SCHEMA: Final = 300303
TOO_MANY_ELEMENTS: Final = 300305
STREAMING_CLOSED: Final = 300309
NO_TEXT: Final = 300310
OF_ANOTHER_APP: Final = 300311
ELEMENT_MISSING: Final = 300313
NOT_ADDED: Final = 300315
OLD_SEQUENCE: Final = 300317
MAX_CONTENT: Final = 100_000
MAX_UUID: Final = 64
KEPT_UUIDS: Final = 100


async def create(call: Call) -> dict[str, Any]:
    app = (await admit(call, "cardkit.card.create", scopes=SCOPES)).app
    body = call.json()
    if body.get("type") != "card_json":
        raise invalid_field("type", "type must be card_json; there are no templates here")
    now = call.world.clock()
    entity = CardEntity(
        card_id=ids.card_id(),
        app_id=app.app_id,
        card=_card(body.get("data")),
        created_at=now,
        streaming_since=now,
    )
    call.world.card_entities.add(entity)
    return {"code": 0, "msg": "success", "data": {"card_id": entity.card_id}}


async def update(call: Call) -> dict[str, Any]:
    """The whole card is replaced."""
    entity = await _entity(call, "cardkit.card.update")
    card = call.json().get("card")
    if not isinstance(card, dict) or card.get("type") != "card_json":
        raise invalid_field("card", "card must be an object with type card_json and data")
    answer = _changed(call, entity, _card(card.get("data")))
    entity.streaming_since = call.world.clock()
    return answer


async def settings(call: Call) -> dict[str, Any]:
    entity = await _entity(call, "cardkit.card.settings")
    given = _object(call.json().get("settings"), "settings")
    config = entity.card.get("config", {}) | given.get("config", {})
    if config.get("update_multi", True) is not True:
        raise PlatformError(NOT_SHARED, "ErrMsg: update_multi property is false")
    answer = _changed(call, entity, {**entity.card, "config": config})
    if given.get("config", {}).get("streaming_mode") is True:
        entity.streaming_since = call.world.clock()
    return answer


async def content(call: Call) -> dict[str, Any]:
    """The text of an element so far: while the card streams, each call has the whole of it."""
    entity = await _entity(call, "cardkit.card.element.content")
    text = call.json().get("content")
    if not isinstance(text, str) or not 1 <= len(text) <= MAX_CONTENT:
        raise invalid_field("content", f"content must have 1 to {MAX_CONTENT} characters")
    if not entity.streams:
        raise PlatformError(STREAMING_CLOSED, "ErrMsg: streaming mode is closed")
    if call.world.clock() - entity.streaming_since >= STREAMING_SECONDS:
        config = {**entity.card["config"], "streaming_mode": False}
        _show(call, entity, {**entity.card, "config": config})
        raise PlatformError(STREAMING_TIMED_OUT, "ErrMsg: card streaming timeout")
    card = json.loads(json.dumps(entity.card))
    element = _find(card.get("body", {}), call.path("element_id"))
    if element is None:
        raise PlatformError(ELEMENT_MISSING, "ErrMsg: the element does not exist")
    if element.get("tag") not in {"markdown", "plain_text", "div"}:
        raise PlatformError(NO_TEXT, "ErrMsg: only text can be updated")
    (element["text"] if element.get("tag") == "div" else element)["content"] = text
    return _changed(call, entity, card)


async def add_elements(call: Call) -> dict[str, Any]:
    """Further components, at the end or beside one that has an id."""
    entity = await _entity(call, "cardkit.card.element.create")
    body = call.json()
    elements = _list(body.get("elements"))
    card = json.loads(json.dumps(entity.card))
    if entity.streams and any(one.get("tag") == "button" for one in _all_of({"elements": elements})):
        raise PlatformError(NOT_ADDED, "ErrMsg: no button can be added while the card streams")
    where, target = body.get("type"), body.get("target_element_id")
    if where == "append":
        container = card.setdefault("body", {}) if target is None else _find(card.get("body", {}), target)
        if container is None:
            raise PlatformError(NOT_ADDED, "ErrMsg: the container does not exist")
        container.setdefault("elements", []).extend(elements)
    elif where in {"insert_before", "insert_after"}:
        found = next(((some, index) for some, index in _places(card.get("body", {}), target)), None)
        if found is None:
            raise PlatformError(NOT_ADDED, "ErrMsg: the target does not exist")
        some, index = found
        at = index + (where == "insert_after")
        some[at:at] = elements
    else:
        raise invalid_field("type", "type must be append, insert_before or insert_after")
    return _changed(call, entity, card)


async def id_convert(call: Call) -> dict[str, Any]:
    app = (await admit(call, "cardkit.card.id_convert", scopes=SCOPES)).app
    message = call.world.mailbox.get(str(call.json().get("message_id")))
    if message is None or message.sender != app.app_id or message.msg_type != "interactive":
        raise PlatformError(MISSING, "ErrMsg: the message is no card of this app")
    entity = call.world.card_entities.of_message(message.message_id)
    if entity is None:
        now = call.world.clock()
        entity = CardEntity(
            card_id=ids.card_id(),
            app_id=app.app_id,
            card=message.body,
            created_at=now,
            streaming_since=now,
        )
        entity.message_ids.append(message.message_id)
        call.world.card_entities.add(entity)
    return {"code": 0, "msg": "success", "data": {"card_id": entity.card_id}}


async def _entity(call: Call, api: str) -> CardEntity:
    """The card that the call is about, if it may be changed now."""
    app = (await admit(call, api, scopes=SCOPES)).app
    world = call.world
    entity = world.card_entities.get(call.path("card_id"))
    if entity is None:
        raise PlatformError(MISSING, "ErrMsg: the card entity does not exist")
    if entity.app_id != app.app_id:
        raise PlatformError(OF_ANOTHER_APP, "ErrMsg: no permission to use this card")
    if world.clock() - entity.created_at >= LIFE_SECONDS:
        raise PlatformError(EXPIRED, "ErrMsg: the card entity has expired")
    if world.rate_limits and (wait := world.calls_per_card.wait(entity.card_id)):
        raise too_often(world.calls_per_card.limit, math.ceil(wait))
    if entity.clicks:
        raise PlatformError(BEING_CLICKED, "ErrMsg: the card is in an ongoing interaction")
    return entity


def _changed(call: Call, entity: CardEntity, card: dict[str, Any]) -> dict[str, Any]:
    body = call.json()
    sequence, uuid = body.get("sequence"), body.get("uuid") or ""
    if not isinstance(uuid, str) or len(uuid) > MAX_UUID:
        raise invalid_field("uuid", f"uuid is longer than {MAX_UUID} characters")
    if uuid and uuid in entity.uuids:
        raise PlatformError(UUID_USED, "ErrMsg: UUID conflict")
    if not isinstance(sequence, int) or isinstance(sequence, bool) or not 0 < sequence < 2**31:
        raise invalid_field("sequence", "sequence must be a positive int32")
    if sequence <= entity.sequence:
        raise PlatformError(OLD_SEQUENCE, "ErrMsg: sequence number compare failed")
    _check(card)
    entity.sequence = sequence
    entity.uuids = [*entity.uuids, *([uuid] if uuid else [])][-KEPT_UUIDS:]
    _show(call, entity, card)
    return {"code": 0, "msg": "success", "data": {}}


def _show(call: Call, entity: CardEntity, card: dict[str, Any]) -> None:
    entity.card = card
    for message_id in entity.message_ids:
        message = call.world.mailbox.get(message_id)
        if message is not None and not message.recalled:
            show(call.world, message, card)


def _card(data: object) -> dict[str, Any]:
    card = _object(data, "data")
    if not validation.is_v2(card):
        raise PlatformError(OLD_SCHEMA, "ErrMsg: only schema 2.0 is supported")
    config = card.get("config")
    if isinstance(config, dict) and config.get("update_multi", True) is not True:
        raise PlatformError(NOT_SHARED, "ErrMsg: update_multi property is false")
    _check(card)
    return card


def _check(card: dict[str, Any]) -> None:
    """Raises PlatformError for a card that is too large or wrong."""
    if len(json.dumps(card, ensure_ascii=False).encode(errors="replace")) > validation.MAX_BYTES:
        raise PlatformError(TOO_LARGE, "ErrMsg: card content exceeds limit")
    try:
        validation.check(card)
    except validation.CardError as error:
        code = TOO_MANY_ELEMENTS if error.code == TOO_MANY else error.code
        raise PlatformError(code, str(error)) from None
    named = Counter(one["element_id"] for one in _all_of(card.get("body", {})) if one.get("element_id"))
    if named.total() > len(named):
        raise PlatformError(DUPLICATE_ELEMENT, "ErrMsg: duplicate element_id")


def _object(text: object, name: str) -> dict[str, Any]:
    value = _parsed(text)
    if not isinstance(value, dict):
        raise invalid_field(name, f"{name} must be the JSON text of an object")
    return value


def _list(text: object) -> list[dict[str, Any]]:
    value = _parsed(text)
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        raise invalid_field("elements", "elements must be the JSON text of a list of components")
    return value


def _parsed(text: object) -> Any:
    try:
        return parse_json(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _children(container: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    return (container[field] for field in ("elements", "columns") if isinstance(container.get(field), list))


def _all_of(container: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for some in _children(container):
        for child in some:
            if isinstance(child, dict):
                yield child
                yield from _all_of(child)


def _places(container: dict[str, Any], element_id: object) -> Iterator[tuple[list[dict[str, Any]], int]]:
    """Where a component with this id stands."""
    for some in _children(container):
        for index, child in enumerate(some):
            if child.get("element_id") == element_id:
                yield some, index
            yield from _places(child, element_id)


def _find(container: dict[str, Any], element_id: object) -> dict[str, Any] | None:
    return next((some[index] for some, index in _places(container, element_id)), None)
