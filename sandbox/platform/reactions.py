"""`/open-apis/im/v1/messages/:message_id/reactions`. Pages "Add", "Get" and "Delete reaction"."""

from typing import Any

from sandbox.delivery.receivers import tell_of_reaction
from sandbox.errors import PlatformError
from sandbox.platform.api_front import Call, Caller, admit
from sandbox.platform.recipients import sender_of, visible_message
from sandbox.world import ids
from sandbox.world.messages import Message, Reaction

SCOPES = ("im:message", "im:message.reactions:write_only")
READ_SCOPES = ("im:message", "im:message:readonly", "im:message.reactions:read")


async def add(call: Call) -> dict[str, Any]:
    caller = await admit(call, "im.message.reaction.create", user=True, scopes=SCOPES)
    message = visible_message(call, caller)
    kind = call.json().get("reaction_type")
    emoji = kind.get("emoji_type") if isinstance(kind, dict) else None
    if not isinstance(emoji, str) or not emoji:
        raise PlatformError(231001, "reaction type is invalid.")
    if message.recalled:
        raise PlatformError(231003, "The message is not found, maybe not exist or deleted.")
    who, by = sender_of(caller), "user" if caller.person else "app"
    given = next((r for r in message.reactions if (r.operator, r.emoji_type) == (who, emoji)), None)
    if given is None:
        given = Reaction(ids.reaction_id(), emoji, who, by, call.world.now_ms)
        message.reactions.append(given)
        call.world.watchers.tell("message", message=message.shown())
        tell_of_reaction(call.world, call.sandbox.courier, message, given, added=True)
    return {"code": 0, "msg": "success", "data": _item(caller, given)}


async def show(call: Call) -> dict[str, Any]:
    caller = await admit(call, "im.message.reaction.list", user=True, scopes=READ_SCOPES)
    message, wanted = visible_message(call, caller), call.query.get("reaction_type")
    found = [_item(caller, r) for r in message.reactions if wanted in {None, r.emoji_type}]
    return {"code": 0, "msg": "success", "data": {"items": found, "has_more": False, "page_token": ""}}


async def remove(call: Call) -> dict[str, Any]:
    caller = await admit(call, "im.message.reaction.delete", user=True, scopes=SCOPES)
    message: Message = visible_message(call, caller)
    given = next((r for r in message.reactions if r.reaction_id == call.path("reaction_id")), None)
    if given is None:
        raise PlatformError(231010, "The reaction_id is invalid.")
    if given.operator != sender_of(caller):
        raise PlatformError(231007, "The operator is not the one who reacted.")
    message.reactions.remove(given)
    call.world.watchers.tell("message", message=message.shown())
    tell_of_reaction(call.world, call.sandbox.courier, message, given, added=False)
    return {"code": 0, "msg": "success", "data": _item(caller, given)}


def _item(caller: Caller, reaction: Reaction) -> dict[str, Any]:
    by_app = reaction.by == "app"
    operator = reaction.operator if by_app else ids.open_id(caller.app.app_id, reaction.operator)
    return {
        "reaction_id": reaction.reaction_id,
        "operator": {"operator_id": operator, "operator_type": reaction.by},
        "action_time": str(reaction.at),
        "reaction_type": {"emoji_type": reaction.emoji_type},
    }
