"""`/open-apis/im/v1/messages`: send, reply, forward, edit, update a card, get, list, recall.

Pages "Send message", "Reply to a message", "Edit message", "Update a message card", "Get message", "List messages", "Recall".
"""

import json
from typing import Any

from feishu.values import text_of
from sandbox.cards import simplified, validation
from sandbox.config import AppConfig
from sandbox.delivery.callbacks import UPDATE_SECONDS, show
from sandbox.delivery.envelopes import mentions_for
from sandbox.delivery.previews import ask_about_links
from sandbox.delivery.receivers import tell_bots
from sandbox.errors import PlatformError
from sandbox.platform import message_content
from sandbox.platform.api_front import Call, Caller, admit, invalid_field
from sandbox.platform.mentions import resolve_mentions
from sandbox.platform.paging import page
from sandbox.platform.recipients import check_member, find_chat, id_of, sender_of, visible_message
from sandbox.strange_json import parse_json
from sandbox.world import ids
from sandbox.world.cards import CardEntity
from sandbox.world.messages import MAX_EDITS, Chat, Message
from sandbox.world.world import World

SEND_SCOPES = ("im:message", "im:message:send_as_bot", "im:message:send", "im:message.send_as_user")
UPDATE_SCOPES = ("im:message", "im:message:send_as_bot", "im:message:update")
READ_SCOPES = ("im:message", "im:message:readonly", "im:message.p2p_msg:readonly")
RECALL_SCOPES = ("im:message", "im:message:send_as_bot", "im:message:recall")
MAX_UUID = 50
MAX_PAGE = 50
MAX_DIGITS = 12
"""Of a time in seconds."""


async def send(call: Call) -> dict[str, Any]:
    caller = await admit(call, "im.message.create", user=True, scopes=SEND_SCOPES)
    body = call.json()
    receive_id = body.get("receive_id")
    if not isinstance(receive_id, str) or not receive_id:
        raise invalid_field("receive_id", "receive_id is required")
    chat = find_chat(call.world, caller, receive_id, call.query.get("receive_id_type", ""))
    return _post(call, caller, chat, body, answers=None)


async def reply(call: Call) -> dict[str, Any]:
    caller = await admit(call, "im.message.reply", user=True, scopes=SEND_SCOPES)
    answered = visible_message(call, caller)
    if answered.recalled:
        raise PlatformError(230011, "The message was recalled.")
    return _post(call, caller, call.world.mailbox.chats[answered.chat_id], call.json(), answers=answered)


async def forward(call: Call) -> dict[str, Any]:
    """The same message in another chat, by whoever forwards it; page "Forward a message"."""
    caller = await admit(call, "im.message.forward", user=True, scopes=SEND_SCOPES)
    original = visible_message(call, caller)
    if original.recalled:
        raise PlatformError(230011, "The message was recalled.")
    receive_id = call.json().get("receive_id")
    if not isinstance(receive_id, str) or not receive_id:
        raise invalid_field("receive_id", "receive_id is required")
    chat = find_chat(call.world, caller, receive_id, call.query.get("receive_id_type", ""))
    sender, uuid = sender_of(caller), call.query.get("uuid", "")
    earlier = call.world.mailbox.sent_before(sender, uuid, call.world.clock()) if uuid else None
    if earlier is not None:
        return {"code": 0, "msg": "success", "data": as_item(caller.app, earlier)}
    message = Message(
        message_id=ids.message_id(),
        chat_id=chat.chat_id,
        sender=sender,
        sender_type="user" if caller.person else "app",
        app_id=caller.app.app_id,
        tenant_key=caller.app.tenant_key,
        msg_type=original.msg_type,
        content=original.content,
        create_time=call.world.now_ms,
        update_time=call.world.now_ms,
    )
    if uuid:
        call.world.mailbox.remember(sender, uuid, message, call.world.clock())
    _deliver(call, caller, chat, message)
    return {"code": 0, "msg": "success", "data": as_item(caller.app, message)}


async def patch(call: Call) -> dict[str, Any]:
    caller = await admit(call, "im.message.patch", user=True, scopes=UPDATE_SCOPES)
    message = visible_message(call, caller)
    content = call.json().get("content")
    if not isinstance(content, str):
        raise invalid_field("content", "content is required")
    _check_updatable(call.world, caller, message)
    card = _card(content)
    if not validation.is_shared(card) or not validation.is_shared(message.body):
        raise PlatformError(
            230001, "Your request contains an invalid request parameter, update_multi is not true."
        )
    if validation.is_v2(message.body) and not validation.is_v2(card):
        refusal = validation.CardError(200830, "a card of schema 2.0 cannot become one of 1.0")
        raise PlatformError(230099, str(refusal))
    if call.world.rate_limits and call.world.patches_per_message.wait(message.message_id):
        raise PlatformError(230020, "This operation triggers the frequency limit.")
    show(call.world, message, card)
    return {"code": 0, "data": {}, "msg": "ok"}


async def edit(call: Call) -> dict[str, Any]:
    """Another text or rich text in place of the one that was sent; page "Edit message", up to 20 times."""
    caller = await admit(call, "im.message.update", user=True, scopes=UPDATE_SCOPES)
    message, body = visible_message(call, caller), call.json()
    if message.sender != sender_of(caller):
        raise PlatformError(230071, "The operator is not the sender of the message.")
    if message.recalled:
        raise PlatformError(230011, "The message was recalled.")
    if text_of(body.get("msg_type")) not in {"text", "post"} or message.msg_type not in {"text", "post"}:
        raise message_content.invalid("only text and post can be edited.")
    if message.edits >= MAX_EDITS:
        raise PlatformError(230072, "The message has reached the number of times it can be edited.")
    chat = call.world.mailbox.chats[message.chat_id]
    message.msg_type, message.content = message_content.checked(call.world, caller, chat, body)
    if message.msg_type == "text":
        resolve_mentions(call.world, message)
    message.edits += 1
    message.updated, message.update_time = True, call.world.now_ms
    if caller.person is not None:
        ask_about_links(call.world, call.sandbox.courier, caller.person, message)
    call.world.watchers.tell("message", message=message.shown())
    return {"code": 0, "msg": "success", "data": as_item(caller.app, message)}


async def get(call: Call) -> dict[str, Any]:
    caller = await admit(call, "im.message.get", user=True, scopes=READ_SCOPES)
    message = visible_message(call, caller)
    raw = call.query.get("card_msg_content_type") == "user_card_content"
    inside = [
        as_item(caller.app, one, raw_card=raw) | {"upper_message_id": message.message_id}
        for message_id in message.forwarded
        if (one := call.world.mailbox.get(message_id)) is not None and not one.recalled
    ]
    return {
        "code": 0,
        "msg": "success",
        "data": {"items": [as_item(caller.app, message, raw_card=raw), *inside]},
    }


async def list_messages(call: Call) -> dict[str, Any]:
    caller = await admit(call, "im.message.list", user=True, scopes=READ_SCOPES)
    found = _container(call, caller)
    start, end = (_seconds(call, name) for name in ("start_time", "end_time"))
    found = [m for m in found if (start or 0) <= m.create_time // 1000 <= (end or m.create_time)]
    if call.query.get("sort_type", "ByCreateTimeAsc") == "ByCreateTimeDesc":
        found.reverse()
    answer = page(call, found, most=MAX_PAGE)
    answer["data"]["items"] = [as_item(caller.app, message) for message in answer["data"]["items"]]
    return answer


async def recall(call: Call) -> dict[str, Any]:
    caller = await admit(call, "im.message.delete", user=True, scopes=RECALL_SCOPES)
    message = visible_message(call, caller)
    if message.sender != sender_of(caller):
        raise PlatformError(230027, "Lack of necessary permissions.")
    if message.recalled:
        raise PlatformError(230011, "The message was recalled.")
    message.recalled = True
    call.world.watchers.tell("message", message=message.shown())
    return {"code": 0, "data": {}, "msg": "success"}


async def read_users(call: Call) -> dict[str, Any]:
    """Who has read a message, for its sender; page "Query message read information"."""
    caller = await admit(call, "im.message.read_users", user=True, scopes=READ_SCOPES)
    message, id_type = visible_message(call, caller), call.query.get("user_id_type", "")
    if message.sender != sender_of(caller):
        raise PlatformError(230027, "Lack of necessary permissions.")
    if id_type not in {"open_id", "union_id", "user_id"}:
        raise invalid_field("user_id_type", "user_id_type is required")
    readers = [
        {
            "user_id_type": id_type,
            "user_id": id_of(caller.app, call.world.people[person_id], id_type),
            "timestamp": str(at),
            "tenant_key": call.world.people[person_id].tenant_key,
        }
        for person_id, at in message.readers.items()
    ]
    return page(call, readers)


def as_item(app: AppConfig, message: Message, *, raw_card: bool = False) -> dict[str, Any]:
    """A message as the app sees it; a card is simplified unless its JSON was asked for."""
    content = message.content
    if message.msg_type == "interactive" and not raw_card:
        content = json.dumps(simplified.simplified(message.body), ensure_ascii=False)
    by_app = message.sender_type == "app"
    sender_id = message.sender if by_app else ids.open_id(app.app_id, message.sender)
    optional = {
        "root_id": message.root_id,
        "parent_id": message.parent_id,
        "thread_id": message.thread_id,
        "mentions": [_mention_item(mention) for mention in mentions_for(app, message)],
    }
    return {
        "message_id": message.message_id,
        **{key: value for key, value in optional.items() if value},
        "msg_type": message.msg_type,
        "create_time": str(message.create_time),
        "update_time": str(message.update_time),
        "deleted": message.recalled,
        "updated": message.updated,
        "chat_id": message.chat_id,
        "sender": {
            "id": sender_id,
            "id_type": "app_id" if by_app else "open_id",
            "sender_type": message.sender_type,
            "tenant_key": message.tenant_key,
        },
        "body": {"content": content},
    }


def _mention_item(mention: dict[str, Any]) -> dict[str, Any]:
    """A mention in an answer: one id and its type, where an event has an object of ids."""
    about = {key: value for key, value in mention.items() if key not in {"id", "mentioned_type"}}
    return {**about, "id": mention["id"]["open_id"], "id_type": "open_id"}


def _post(
    call: Call, caller: Caller, chat: Chat, body: dict[str, Any], *, answers: Message | None
) -> dict[str, Any]:
    world, now, app, sender = call.world, call.world.clock(), caller.app, sender_of(caller)
    if caller.person is None and not app.bot_enabled:
        raise PlatformError(230006, "Bot ability is not activated.")
    uuid = body.get("uuid") or ""
    if not isinstance(uuid, str) or len(uuid) > MAX_UUID:
        raise invalid_field("uuid", f"uuid is longer than {MAX_UUID} characters")
    msg_type, content = message_content.checked(world, caller, chat, body)
    earlier = world.mailbox.sent_before(sender, uuid, now) if uuid else None
    if earlier is not None:
        return {"code": 0, "msg": "success", "data": as_item(app, earlier)}
    if world.rate_limits and world.per_recipient.wait(chat.chat_id):
        raise PlatformError(230020, "This operation triggers the frequency limit.")
    entity = None
    if msg_type == "interactive":
        entity, content = _shown_card(world, app, content)
    message = Message(
        message_id=ids.message_id(),
        chat_id=chat.chat_id,
        sender=sender,
        sender_type="user" if caller.person else "app",
        app_id=app.app_id,
        tenant_key=app.tenant_key,
        msg_type=msg_type,
        content=content,
        create_time=world.now_ms,
        update_time=world.now_ms,
    )
    if answers is not None:
        _join_thread(message, answers, in_thread=body.get("reply_in_thread") is True)
    if entity is not None:
        entity.message_ids.append(message.message_id)
    if uuid:
        world.mailbox.remember(sender, uuid, message, now)
    _deliver(call, caller, chat, message)
    return {"code": 0, "msg": "success", "data": as_item(app, message)}


def _deliver(call: Call, caller: Caller, chat: Chat, message: Message) -> None:
    """Put a new message into its chat and tell those who listen."""
    world = call.world
    if message.msg_type == "text":
        resolve_mentions(world, message)
    world.mailbox.add(message)
    world.watchers.tell("message", message=message.shown())
    if caller.person is not None:
        tell_bots(world, call.sandbox.courier, caller.person, chat, message)
        ask_about_links(world, call.sandbox.courier, caller.person, message)


def _join_thread(message: Message, answered: Message, *, in_thread: bool) -> None:
    message.parent_id = answered.message_id
    message.root_id = answered.root_id or answered.message_id
    if in_thread and not answered.thread_id:
        answered.thread_id = ids.thread_id()
    message.thread_id = answered.thread_id


def _shown_card(world: World, app: AppConfig, content: str) -> tuple[CardEntity | None, str]:
    """The card entity that the content names, if it does, and the JSON of the card that is shown."""
    _check_card_size(content)
    try:
        given = parse_json(content)
    except ValueError:
        given = None
    if isinstance(given, dict) and given.get("type") == "card" and isinstance(given.get("data"), dict):
        entity = world.card_entities.get(given["data"].get("card_id"))
        if entity is None or entity.app_id != app.app_id:
            refusal = validation.CardError(11310, "cardid is invalid", given["data"].get("card_id"))
            raise PlatformError(230099, str(refusal))
        if entity.message_ids:
            raise PlatformError(230099, str(validation.CardError(11310, "the card was sent before")))
        return entity, json.dumps(entity.card, ensure_ascii=False)
    _card(content)
    return None, content


def _check_card_size(content: str) -> None:
    if len(content.encode()) > validation.MAX_BYTES:
        raise PlatformError(230025, "The length of the message content reaches its limit.")


def _card(content: str) -> dict[str, Any]:
    _check_card_size(content)
    try:
        return validation.parse(content)
    except validation.CardError as error:
        raise PlatformError(230099, str(error)) from None


def _check_updatable(world: World, caller: Caller, message: Message) -> None:
    if message.sender != sender_of(caller):
        raise PlatformError(230027, "Lack of necessary permissions, the message is not the caller's own.")
    if message.msg_type != "interactive":
        raise PlatformError(230001, "Your request contains an invalid request parameter, NOT a card.")
    if message.recalled:
        raise PlatformError(230011, "The message was recalled.")
    if world.clock() - message.create_time / 1000 > UPDATE_SECONDS:
        raise PlatformError(230031, "The message is too old to be updated.")


def _container(call: Call, caller: Caller) -> list[Message]:
    kind, container_id = call.query.get("container_id_type"), call.query.get("container_id", "")
    if kind == "thread":
        found = call.world.mailbox.in_thread(container_id)
        if not found:
            raise PlatformError(230019, "The topic does not exist.")
        chat_id = found[0].chat_id
    elif kind == "chat":
        found, chat_id = list(call.world.mailbox.in_chat(container_id)), container_id
    else:
        raise invalid_field("container_id_type", "container_id_type must be chat or thread")
    chat = call.world.mailbox.chats.get(chat_id)
    if chat is None:
        raise PlatformError(230001, "Your request contains an invalid request parameter, container_id.")
    check_member(caller, chat)
    return found


def _seconds(call: Call, name: str) -> int | None:
    text = call.query.get(name)
    if text is None:
        return None
    if not text.isdecimal() or len(text) > MAX_DIGITS:
        raise invalid_field(name, f"{name} must be seconds")
    return int(text)
