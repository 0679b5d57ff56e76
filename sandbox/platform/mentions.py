"""`<at user_id="…">` in a text: what the message then says and whom it mentions.

Page "Send message content": a sent text comes back with `@_user_1` in its place and the person in `mentions`.
"""

import json
import re
from typing import Any, Final

from sandbox.config import AppConfig, PersonConfig
from sandbox.world import ids
from sandbox.world.messages import Message
from sandbox.world.world import World

_AT: Final = re.compile(r"""<at user_id=["']([^"'<>]{1,128})["'] ?(?:/>|>([^<]{0,200})</at>)""")


def resolve_mentions(world: World, message: Message) -> None:
    """Replace the tags of a text message by keys, and note who is mentioned."""
    mentions: list[dict[str, Any]] = []

    def key(tag: re.Match[str]) -> str:
        if tag[1] == "all":
            return "@_all"
        mention = _mention(world, tag[1], f"@_user_{len(mentions) + 1}")
        if mention is None:
            return tag[0]
        mentions.append(mention)
        return str(mention["key"])

    body = message.body
    body["text"] = _AT.sub(key, body["text"])
    message.content = json.dumps(body, ensure_ascii=False)
    message.mentions = mentions


def _mention(world: World, user_id: str, key: str) -> dict[str, Any] | None:
    bot = next((other for other in world.apps.values() if ids.bot_open_id(other.app_id) == user_id), None)
    if bot is not None:
        return bot_mention(bot, key)
    owner = world.owner_of_open_id(user_id)
    person = world.people.get(owner[1] if owner else user_id) or world.person_by_union_id(user_id)
    if person is None:
        return None
    return person_mention(person, key)


def person_mention(person: PersonConfig, key: str) -> dict[str, Any]:
    """A mention of a person, as the sandbox keeps it: `mentions_for` adds the ids under which an app knows them."""
    return {
        "key": key,
        "id": {"user_id": person.id},
        "mentioned_type": "user",
        "name": person.name,
        "tenant_key": person.tenant_key,
    }


def bot_mention(app: AppConfig, key: str) -> dict[str, Any]:
    """A mention of a bot, as an event has it."""
    return {
        "key": key,
        "id": {"union_id": "", "user_id": "", "open_id": ids.bot_open_id(app.app_id)},
        "mentioned_type": "bot",
        "name": app.name,
        "tenant_key": app.tenant_key,
    }
