"""Whom a message is for: the ids of one person, and the refusals when an id does not fit."""

from sandbox.config import AppConfig, PersonConfig
from sandbox.errors import PlatformError
from sandbox.platform.api_front import Call, Caller, invalid_field
from sandbox.world import ids
from sandbox.world.messages import Chat, Message
from sandbox.world.world import World

RECEIVE_ID_TYPES = ("open_id", "union_id", "user_id", "email", "chat_id")


def find_chat(world: World, caller: Caller, receive_id: str, receive_id_type: str) -> Chat:
    """The chat to write into, opened when it is a person's first. Raises PlatformError."""
    if receive_id_type not in RECEIVE_ID_TYPES:
        raise invalid_field(
            "receive_id_type", f"receive_id_type must be one of {', '.join(RECEIVE_ID_TYPES)}"
        )
    app = caller.app
    if receive_id_type == "chat_id":
        return _known_chat(world, caller, receive_id)
    person = find_person(world, app, receive_id, receive_id_type)
    if person.status == "resigned":
        raise PlatformError(230029, "The user has resigned.")
    if person.tenant_key != app.tenant_key:
        raise PlatformError(230038, "Cross-tenant p2p chat is not supported.")
    if caller.person is not None:
        return world.mailbox.between(caller.person.id, person.id)
    if not world.may_use(app, person):
        raise PlatformError(230013, "Bot has NO availability to this user.")
    return world.mailbox.p2p(app.app_id, person.id)


def find_person(world: World, app: AppConfig, value: str, id_type: str) -> PersonConfig:
    """A person by an id of any kind. Raises PlatformError with the codes of the id checks."""
    if id_type == "open_id":
        return _by_open_id(world, app, value)
    if id_type == "union_id":
        person = world.person_by_union_id(value)
        code = 99992381
    elif id_type == "user_id":
        person, code = world.people.get(value), 99992360
    else:
        person, code = world.person_by_email(value), 230034
    if person is None:
        raise PlatformError(code, f"The {id_type} does not exist.")
    return person


def _by_open_id(world: World, app: AppConfig, open_id: str) -> PersonConfig:
    owner = world.owner_of_open_id(open_id)
    if owner is None:
        raise PlatformError(99992351, "not a valid {open_id}. The open_id does not exist.")
    app_id, person_id = owner
    if app_id != app.app_id:
        raise PlatformError(99992361, "open_id cross app")
    return world.people[person_id]


def _known_chat(world: World, caller: Caller, chat_id: str) -> Chat:
    chat = world.mailbox.chats.get(chat_id)
    if chat is None:
        raise PlatformError(230034, "The receive_id is invalid.")
    check_member(caller, chat)
    return chat


def id_of(app: AppConfig, person: PersonConfig, id_type: str) -> str:
    """A person under the kind of id that a query asks for."""
    known = {"union_id": ids.union_id(person.id), "user_id": person.id}
    return known.get(id_type) or ids.open_id(app.app_id, person.id)


def check_member(caller: Caller, chat: Chat) -> None:
    """Raises PlatformError 230002 for somebody outside the chat."""
    inside = caller.person.id in chat.people if caller.person else caller.app.app_id in chat.apps
    if not inside:
        raise PlatformError(230002, "Bot can NOT be out of the chat.")


def sender_of(caller: Caller) -> str:
    """Who writes with this token: the bot, or the person whose token it is."""
    return caller.person.id if caller.person else caller.app.app_id


def visible_message(call: Call, caller: Caller) -> Message:
    """The message in the path, if the caller is in its chat. Raises PlatformError."""
    message = call.world.mailbox.get(call.path("message_id"))
    if message is None:
        raise PlatformError(99992354, "The message_id does not exist.")
    check_member(caller, call.world.mailbox.chats[message.chat_id])
    return message
