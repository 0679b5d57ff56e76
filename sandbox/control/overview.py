"""What an open page needs to draw itself."""

from typing import Any

import msgspec
from starlette.requests import Request

from sandbox.control.cast import public
from sandbox.control.endpoint import ControlRoute, question
from sandbox.pages.routes import person_of
from sandbox.state import Sandbox
from sandbox.world import ids
from sandbox.world.avatars import colour
from sandbox.world.portraits import portrait_url


async def overview(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    """People, apps and groups, as the person of the cookie sees them."""
    world = sandbox.world
    me = person_of(request)
    groups = [chat for chat in world.mailbox.chats.values() if chat.kind == "group" and me.id in chat.people]
    return {
        "me": me.id,
        "people": [
            msgspec.to_builtins(p) | {"colour": colour(p.name), "picture": portrait_url("", p.name)}
            for p in world.people.values()
        ],
        "apps": [
            public(app, sandbox) | {"colour": colour(app.name), "chat_id": ids.p2p_chat_id(app.app_id, me.id)}
            for app in world.apps.values()
        ],
        "groups": [
            {"chat_id": chat.chat_id, "name": chat.name, "people": chat.people, "apps": chat.apps}
            for chat in groups
        ],
        "speed": world.speed,
        "portal_url": world.config.portal_url,
    }


def routes() -> list[ControlRoute]:
    return [question("overview", overview)]
