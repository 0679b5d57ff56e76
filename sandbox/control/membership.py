"""Who is in a group: people and bots come and go, and the bots hear of it."""

from typing import Any

from msgspec import Struct

from sandbox.config import AppId, PersonId
from sandbox.control.endpoint import ControlRoute, command, known_app, known_person
from sandbox.delivery.receivers import tell_of_bot, tell_of_people
from sandbox.errors import ControlError
from sandbox.state import Sandbox
from sandbox.world.messages import Chat


class Membership(Struct, forbid_unknown_fields=True, kw_only=True):
    """People and bots who join a group, or leave it unless `joins`. `operator` is who does it; else they do it themselves."""

    chat_id: str
    people: list[PersonId] = []
    apps: list[AppId] = []
    operator: PersonId | None = None
    joins: bool = True


async def change_members(sandbox: Sandbox, wanted: Membership) -> dict[str, Any]:
    """`{"people", "apps"}`: who is in the group now. Bots that leave hear of it themselves."""
    world = sandbox.world
    chat = world.mailbox.chats.get(wanted.chat_id)
    if chat is None or chat.kind != "group":
        raise ControlError(f"there is no group {wanted.chat_id}", status=404)
    people = [known_person(world, person_id) for person_id in dict.fromkeys(wanted.people)]
    people = [person for person in people if (person.id in chat.people) is not wanted.joins]
    apps = [known_app(world, app_id).app_id for app_id in dict.fromkeys(wanted.apps)]
    apps = [app_id for app_id in apps if (app_id in chat.apps) is not wanted.joins]
    operator = known_person(world, wanted.operator) if wanted.operator else None
    if not wanted.joins and not set(chat.people) - {person.id for person in people}:
        raise ControlError("the last person cannot leave a group", status=409)
    _change(chat, [person.id for person in people], apps, joins=wanted.joins)
    tell_of_people(
        world,
        sandbox.courier,
        people,
        chat,
        added=wanted.joins,
        operator=operator or next(iter(people), None),
    )
    for app_id in apps:
        tell_of_bot(world, sandbox.courier, app_id, chat, added=wanted.joins, operator=operator)
    world.watchers.tell("reload")
    return {"people": chat.people, "apps": chat.apps}


def _change(chat: Chat, people: list[str], apps: list[str], *, joins: bool) -> None:
    if joins:
        chat.people += people
        chat.apps += apps
    else:
        chat.people = [person_id for person_id in chat.people if person_id not in people]
        chat.apps = [app_id for app_id in chat.apps if app_id not in apps]


def routes() -> list[ControlRoute]:
    return [command("members", Membership, change_members)]
