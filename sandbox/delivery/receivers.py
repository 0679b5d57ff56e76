"""Which bots receive what a person writes."""

from typing import Final

from sandbox.config import AppConfig, PersonConfig
from sandbox.delivery import envelopes
from sandbox.delivery.courier import Courier
from sandbox.world import ids
from sandbox.world.messages import Chat, Message, Reaction
from sandbox.world.world import World

P2P_SCOPES: Final = {"im:message.p2p_msg:readonly", "im:message.p2p_msg", "im:message", "im:message:readonly"}
GROUP_SCOPES: Final = {"im:message.group_msg", "im:message.group_msg:readonly"}
MENTION_SCOPES: Final = {
    "im:message.group_at_msg:readonly",
    "im:message.group_at_msg",
    "im:message",
    "im:message:readonly",
}


def tell_bots(
    world: World, courier: Courier, person: PersonConfig, chat: Chat, message: Message
) -> dict[str, str | None]:
    """Raise `im.message.receive_v1` for the bots of the chat; the event ids by app, None for the unsubscribed."""
    pushed: dict[str, str | None] = {}
    for app_id in chat.apps:
        app = world.apps.get(app_id)
        if app is not None and _receives(app, chat, message):
            event = envelopes.message_received(app, person, chat, message)
            push = courier.raise_event(app, "im.message.receive_v1", event)
            pushed[app_id] = push.event_id if push else None
    return pushed


def _receives(app: AppConfig, chat: Chat, message: Message) -> bool:
    """Which messages are pushed depends on the scopes of the app."""
    scopes = set(app.scopes)
    if chat.kind == "p2p":
        return bool(scopes & P2P_SCOPES)
    bot = ids.bot_open_id(app.app_id)
    mentioned = any(mention["id"].get("open_id") == bot for mention in message.mentions)
    return bool(scopes & GROUP_SCOPES) or (mentioned and bool(scopes & MENTION_SCOPES))


def tell_of_reaction(
    world: World, courier: Courier, message: Message, reaction: Reaction, *, added: bool
) -> None:
    """Raise `im.message.reaction.created_v1` or `.deleted_v1` for the bots of the chat."""
    for app_id in world.mailbox.chats[message.chat_id].apps:
        app = world.apps.get(app_id)
        if app is not None:
            event = envelopes.reacted(app, world.people.get(reaction.operator), message, reaction)
            courier.raise_event(app, f"im.message.reaction.{'created' if added else 'deleted'}_v1", event)


def tell_of_bot(
    world: World,
    courier: Courier,
    app_id: str,
    chat: Chat,
    *,
    added: bool,
    operator: PersonConfig | None = None,
) -> None:
    """Raise `im.chat.member.bot.added_v1` or `.deleted_v1` for a bot that has come into a group or left it."""
    app = world.apps.get(app_id)
    if app is not None:
        event = envelopes.group_changed(app, chat, _operator(world, chat, operator))
        courier.raise_event(app, f"im.chat.member.bot.{'added' if added else 'deleted'}_v1", event)


def tell_of_people(
    world: World,
    courier: Courier,
    people: list[PersonConfig],
    chat: Chat,
    *,
    added: bool,
    operator: PersonConfig | None = None,
) -> None:
    """Raise `im.chat.member.user.added_v1` or `.deleted_v1` for the bots of a group."""
    for app_id in chat.apps if people else ():
        app = world.apps.get(app_id)
        if app is not None:
            event = envelopes.group_changed(app, chat, _operator(world, chat, operator))
            event["users"] = envelopes.users_of(app, people)
            courier.raise_event(app, f"im.chat.member.user.{'added' if added else 'deleted'}_v1", event)


def _operator(world: World, chat: Chat, operator: PersonConfig | None) -> PersonConfig | None:
    """Who did it; where nobody is named, the first person of the group."""
    return operator or (world.people.get(chat.people[0]) if chat.people else None)
