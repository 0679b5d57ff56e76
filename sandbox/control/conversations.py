"""What people do in the client: write, open a chat, click, take back."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, Final

from msgspec import Meta, Struct
from starlette.requests import Request

from sandbox.cards.buttons import callback_buttons
from sandbox.config import AppId, PersonConfig, PersonId
from sandbox.control.endpoint import ControlRoute, command, known_app, known_message, known_person, question
from sandbox.delivery import callbacks, envelopes
from sandbox.delivery.hearing import tell_bots
from sandbox.errors import ControlError
from sandbox.platform.mentions import bot_mention
from sandbox.state import Sandbox
from sandbox.world import ids
from sandbox.world.messages import Chat, Message
from sandbox.world.world import World

MAX_CLICKS: Final = 5_000


class Say(Struct, forbid_unknown_fields=True, kw_only=True):
    """`app_id` for the p2p chat, `chat_id` for a group. In a group `mention` names the bots that are @-ed."""

    person: PersonId
    text: str
    app_id: AppId | None = None
    chat_id: str | None = None
    mention: list[AppId] = []
    parent_id: str = ""


class Enter(Struct, forbid_unknown_fields=True, kw_only=True):
    person: PersonId
    app_id: AppId


class Click(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which component: `action` as the callback carries it, or the n-th or the named callback button."""

    person: PersonId
    message_id: str
    action: dict[str, Any] | None = None
    button: int | None = None
    name: str | None = None


class Clicks(Struct, forbid_unknown_fields=True, kw_only=True):
    """Many people who click in the same moment."""

    clicks: Annotated[list[Click], Meta(min_length=1, max_length=MAX_CLICKS)]


class Recall(Struct, forbid_unknown_fields=True, kw_only=True):
    person: PersonId
    message_id: str


async def say(sandbox: Sandbox, said: Say) -> dict[str, Any]:
    """A person writes in the chat with a bot or in a group."""
    world = sandbox.world
    person = known_person(world, said.person)
    chat = _chat(world, said, person)
    message = _message(world, chat, person, said)
    world.mailbox.add(message)
    world.watchers.tell("message", message=message.shown())
    pushed = tell_bots(world, sandbox.courier, person, chat, message)
    return {"message_id": message.message_id, "chat_id": chat.chat_id, "event_ids": pushed}


async def enter(sandbox: Sandbox, entered: Enter) -> dict[str, Any]:
    """Open the chat with a bot; the very first time creates it."""
    world = sandbox.world
    person, app = known_person(world, entered.person), known_app(world, entered.app_id)
    is_first = ids.p2p_chat_id(app.app_id, person.id) not in world.mailbox.chats
    chat = world.mailbox.p2p(app.app_id, person.id)
    if is_first:
        sandbox.courier.raise_old_event(app, "p2p_chat_create", envelopes.chat_created(app, person, chat))
    event = envelopes.chat_entered(app, person, chat, world.mailbox.last_in(chat.chat_id))
    sandbox.courier.raise_event(app, "im.chat.access_event.bot_p2p_chat_entered_v1", event)
    return {"chat_id": chat.chat_id}


async def click(sandbox: Sandbox, clicked: Click) -> callbacks.ClickResult:
    """A person clicks on a component of a card; answers when the app has, or its time is over."""
    return await _checked(sandbox, clicked)()


async def click_all(sandbox: Sandbox, crowd: Clicks) -> dict[str, Any]:
    """What each saw, in the order of the clicks; none is made when one of them is impossible."""
    clicks = [_checked(sandbox, clicked) for clicked in crowd.clicks]
    return {"results": await asyncio.gather(*(make() for make in clicks))}


def _checked(sandbox: Sandbox, clicked: Click) -> Callable[[], Awaitable[callbacks.ClickResult]]:
    """The click, possible and about to be made."""
    world = sandbox.world
    person = known_person(world, clicked.person)
    message = known_message(world, clicked.message_id)
    if message.msg_type != "interactive" or message.recalled:
        raise ControlError("this message is no card, or was recalled")
    if person.id not in world.mailbox.chats[message.chat_id].people:
        raise ControlError("this person does not see the message")
    app = known_app(world, message.app_id)
    action = _action(message, clicked)
    return partial(
        callbacks.click, world, sandbox.courier, app, person=person, message=message, action=action
    )


async def recall(sandbox: Sandbox, recalled: Recall) -> dict[str, Any]:
    """A person takes a message back: their own, or a bot's as a manager might. Bots of the chat hear of it."""
    world = sandbox.world
    known_person(world, recalled.person)
    message = known_message(world, recalled.message_id)
    message.recalled = True
    world.watchers.tell("message", message=message.shown())
    for app_id in world.mailbox.chats[message.chat_id].apps:
        event = envelopes.message_recalled(message, world.now_ms)
        sandbox.courier.raise_event(known_app(world, app_id), "im.message.recalled_v1", event)
    return {"recalled": message.message_id}


async def list_messages(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    """The messages of a chat, by `chat_id` or by `person` and `app_id`; oldest first, the last 200."""
    query = request.query_params
    chat_id = query.get("chat_id") or ids.p2p_chat_id(query.get("app_id", ""), query.get("person", ""))
    messages = list(sandbox.world.mailbox.in_chat(chat_id))[-200:]
    return {"chat_id": chat_id, "messages": [message.shown() for message in messages]}


def _chat(world: World, said: Say, person: PersonConfig) -> Chat:
    if said.chat_id is None:
        if said.app_id is None:
            raise ControlError("say needs an app_id or a chat_id")
        return world.mailbox.p2p(known_app(world, said.app_id).app_id, person.id)
    chat = world.mailbox.chats.get(said.chat_id)
    if chat is None or person.id not in chat.people:
        raise ControlError("this person is not in such a chat", status=404)
    return chat


def _message(world: World, chat: Chat, person: PersonConfig, said: Say) -> Message:
    mentions = [
        bot_mention(known_app(world, app_id), f"@_user_{index}")
        for index, app_id in enumerate(said.mention, 1)
    ]
    keys = " ".join(mention["key"] for mention in mentions)
    text = f"{keys} {said.text}" if mentions else said.text
    parent = world.mailbox.get(said.parent_id)
    return Message(
        message_id=ids.message_id(),
        chat_id=chat.chat_id,
        sender=person.id,
        sender_type="user",
        tenant_key=person.tenant_key,
        msg_type="text",
        content=json.dumps({"text": text}, ensure_ascii=False),
        create_time=world.now_ms,
        update_time=world.now_ms,
        parent_id=parent.message_id if parent else "",
        root_id=(parent.root_id or parent.message_id) if parent else "",
        mentions=mentions,
    )


def _action(message: Message, clicked: Click) -> dict[str, Any]:
    if clicked.action is not None:
        return clicked.action
    buttons = callback_buttons(message.body)
    if clicked.name is not None:
        buttons = [button for button in buttons if button.get("name") == clicked.name]
    index = clicked.button or 0
    if index >= len(buttons):
        raise ControlError("the card has no such callback button")
    return buttons[index]


def routes() -> list[ControlRoute]:
    return [
        command("say", Say, say),
        command("enter", Enter, enter),
        command("click", Click, click),
        command("clicks", Clicks, click_all),
        command("recall", Recall, recall),
        question("messages", list_messages, query=["chat_id", "person", "app_id"]),
    ]
