"""What people do in the client: write, edit, send pictures and files, open a chat, read, react, click, take back."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct
from starlette.requests import Request

from sandbox.cards.buttons import callback_buttons
from sandbox.config import AppId, PersonConfig, PersonId
from sandbox.control.endpoint import ControlRoute, command, known_app, known_message, known_person, question
from sandbox.control.mentioning import Mentions, keyed
from sandbox.delivery import callbacks, envelopes
from sandbox.delivery.previews import ask_about_links
from sandbox.delivery.receivers import tell_bots, tell_of_reaction
from sandbox.errors import ControlError
from sandbox.state import Sandbox
from sandbox.world import ids
from sandbox.world.messages import MAX_EDITS, Chat, Message, Reaction
from sandbox.world.world import World

MAX_CLICKS: Final = 5_000
MAX_ATTACHMENT: Final = 30 * 1024 * 1024


class Attachment(Struct, forbid_unknown_fields=True, kw_only=True):
    """Something that is sent with `data` (base64); `duration` is milliseconds of a recording or a film."""

    kind: Literal["image", "file", "audio", "media", "sticker"]
    data: Annotated[bytes, Meta(min_length=1, max_length=MAX_ATTACHMENT)]
    name: str = ""
    duration: int = 1000


class Say(Mentions, forbid_unknown_fields=True, kw_only=True):
    """`app_id` for the p2p chat, `chat_id` for a group. `in_thread`: the answer to `parent_id` is in its thread.

    Either `text`, or a `post` as bots receive it (`{"title", "content": [[{"tag", …}]]}`), or an `attachment`.
    """

    person: PersonId
    text: str | None = None
    post: dict[str, Any] | None = None
    attachment: Attachment | None = None
    app_id: AppId | None = None
    chat_id: str | None = None
    parent_id: str = ""
    in_thread: bool = False


class MergeForward(Struct, forbid_unknown_fields=True, kw_only=True):
    """Messages that a person forwards together, to a bot (`app_id`) or into a group (`chat_id`)."""

    person: PersonId
    message_ids: Annotated[list[str], Meta(min_length=1, max_length=100)]
    app_id: AppId | None = None
    chat_id: str | None = None


class Edit(Mentions, forbid_unknown_fields=True, kw_only=True):
    """Another text in the place of one's own."""

    person: PersonId
    message_id: str
    text: Annotated[str, Meta(min_length=1)]


class Enter(Struct, forbid_unknown_fields=True, kw_only=True):
    person: PersonId
    app_id: AppId


class Click(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which component: `action` as the callback carries it, or the n-th or the named callback button.

    With the `token` of a preview in `preview_token`, of the card below that link.
    """

    person: PersonId
    message_id: str
    preview_token: str = ""
    action: dict[str, Any] | None = None
    button: Annotated[int, Meta(ge=0)] | None = None
    name: str | None = None


class Clicks(Struct, forbid_unknown_fields=True, kw_only=True):
    """Many people who click in the same moment."""

    clicks: Annotated[list[Click], Meta(min_length=1, max_length=MAX_CLICKS)]


class React(Struct, forbid_unknown_fields=True, kw_only=True):
    """An emoji below a message, or no longer there where `added` is false."""

    person: PersonId
    message_id: str
    emoji_type: Annotated[str, Meta(min_length=1, max_length=64)] = "THUMBSUP"
    added: bool = True


class Read(Struct, forbid_unknown_fields=True, kw_only=True):
    """The person reads whatever the bot has written to them."""

    person: PersonId
    app_id: AppId


class MenuClick(Struct, forbid_unknown_fields=True, kw_only=True):
    """A click on an entry of the bot's menu that pushes an event."""

    person: PersonId
    app_id: AppId
    event_key: Annotated[str, Meta(min_length=1, max_length=30)]


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
    ask_about_links(world, sandbox.courier, person, message)
    return {"message_id": message.message_id, "chat_id": chat.chat_id, "event_ids": pushed}


async def merge_forward(sandbox: Sandbox, forwarded: MergeForward) -> dict[str, Any]:
    """A person forwards messages that they see as one. Its content says that it is one, in words and not in JSON; what is in it
    is found by "Get message"."""
    world = sandbox.world
    person = known_person(world, forwarded.person)
    for one in (known_message(world, message_id) for message_id in forwarded.message_ids):
        if person.id not in world.mailbox.chats[one.chat_id].people or one.recalled:
            raise ControlError("this person does not see the message")
    chat = _chat(world, forwarded, person)
    message = Message(
        message_id=ids.message_id(),
        chat_id=chat.chat_id,
        sender=person.id,
        sender_type="user",
        tenant_key=person.tenant_key,
        msg_type="merge_forward",
        content="Merged and Forwarded Message",
        create_time=world.now_ms,
        update_time=world.now_ms,
        forwarded=list(forwarded.message_ids),
    )
    world.mailbox.add(message)
    world.watchers.tell("message", message=message.shown())
    pushed = tell_bots(world, sandbox.courier, person, chat, message)
    return {"message_id": message.message_id, "chat_id": chat.chat_id, "event_ids": pushed}


async def edit(sandbox: Sandbox, edited: Edit) -> dict[str, Any]:
    """A person edits a text of their own, up to 20 times. Bots hear nothing of it but for links, and find it when they ask."""
    world = sandbox.world
    person, message = known_person(world, edited.person), known_message(world, edited.message_id)
    if (message.sender, message.msg_type, message.recalled) != (person.id, "text", False):
        raise ControlError("this message is no text of this person, or was recalled")
    if message.edits >= MAX_EDITS:
        raise ControlError(f"a message can be edited {MAX_EDITS} times")
    text, message.mentions = keyed(world, edited.text, edited)
    message.content = _json({"text": text})
    message.edits += 1
    message.update_time, message.updated = world.now_ms, True
    ask_about_links(world, sandbox.courier, person, message)
    world.watchers.tell("message", message=message.shown())
    return {"message_id": message.message_id}


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
    preview = message.preview(clicked.preview_token)
    has_card = preview and preview.card if clicked.preview_token else message.msg_type == "interactive"
    if not has_card or message.recalled:
        raise ControlError("this message is no card, or was recalled")
    if person.id not in world.mailbox.chats[message.chat_id].people:
        raise ControlError("this person does not see the message")
    app = known_app(world, preview.app_id if preview else message.app_id)
    action = _action(callbacks.card_in(message, preview), clicked)
    return partial(
        callbacks.click,
        world,
        sandbox.courier,
        app,
        person=person,
        message=message,
        action=action,
        preview=preview,
    )


async def react(sandbox: Sandbox, wanted: React) -> dict[str, Any]:
    """A person reacts to a message, or takes the reaction back; the bots of the chat hear of it."""
    world = sandbox.world
    person, message = known_person(world, wanted.person), known_message(world, wanted.message_id)
    if person.id not in world.mailbox.chats[message.chat_id].people or message.recalled:
        raise ControlError("this person does not see the message")
    given = next(
        (r for r in message.reactions if (r.operator, r.emoji_type) == (person.id, wanted.emoji_type)), None
    )
    if wanted.added == (given is not None):
        return {"reactions": message.reactions}
    if given is None:
        given = Reaction(ids.reaction_id(), wanted.emoji_type, person.id, "user", world.now_ms)
        message.reactions.append(given)
    else:
        message.reactions.remove(given)
    world.watchers.tell("message", message=message.shown())
    tell_of_reaction(world, sandbox.courier, message, given, added=wanted.added)
    return {"reactions": message.reactions}


async def read(sandbox: Sandbox, wanted: Read) -> dict[str, Any]:
    """`{"message_ids"}`: those that were unread; the bot hears of them in one event."""
    world = sandbox.world
    person, app = known_person(world, wanted.person), known_app(world, wanted.app_id)
    unread = [
        message
        for message in world.mailbox.in_chat(ids.p2p_chat_id(app.app_id, person.id))
        if message.sender_type == "app" and not message.recalled and person.id not in message.readers
    ]
    for message in unread:
        message.readers[person.id] = world.now_ms
    if unread:
        event = envelopes.messages_read(app, person, unread, world.now_ms)
        sandbox.courier.raise_event(app, "im.message.message_read_v1", event)
    return {"message_ids": [message.message_id for message in unread]}


async def click_menu(sandbox: Sandbox, clicked: MenuClick) -> dict[str, Any]:
    """`{"event_id"}`: null where the app is not subscribed to it."""
    person, app = known_person(sandbox.world, clicked.person), known_app(sandbox.world, clicked.app_id)
    event = envelopes.menu_clicked(app, person, clicked.event_key, sandbox.world.clock())
    push = sandbox.courier.raise_event(app, "application.bot.menu_v6", event)
    return {"event_id": push.event_id if push else None}


async def recall(sandbox: Sandbox, recalled: Recall) -> dict[str, Any]:
    """A person takes a message back: their own, or a bot's as a manager might. Bots of the chat hear of it."""
    world = sandbox.world
    known_person(world, recalled.person)
    message = known_message(world, recalled.message_id)
    message.recalled = True
    world.watchers.tell("message", message=message.shown())
    event = envelopes.message_recalled(message, world.now_ms)
    for app_id in world.mailbox.chats[message.chat_id].apps:
        app = world.apps.get(app_id)
        if app is not None:
            sandbox.courier.raise_event(app, "im.message.recalled_v1", event)
    return {"recalled": message.message_id}


async def list_messages(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    """The messages of a chat, by `chat_id` or by `person` and `app_id`; oldest first, the last 200."""
    query = request.query_params
    chat_id = query.get("chat_id") or ids.p2p_chat_id(query.get("app_id", ""), query.get("person", ""))
    messages = list(sandbox.world.mailbox.in_chat(chat_id))[-200:]
    return {"chat_id": chat_id, "messages": [message.shown() for message in messages]}


def _chat(world: World, said: Say | MergeForward, person: PersonConfig) -> Chat:
    if said.chat_id is None:
        if said.app_id is None:
            raise ControlError("an app_id or a chat_id is needed")
        return world.mailbox.p2p(known_app(world, said.app_id).app_id, person.id)
    chat = world.mailbox.chats.get(said.chat_id)
    if chat is None or person.id not in chat.people:
        raise ControlError("this person is not in such a chat", status=404)
    return chat


def _message(world: World, chat: Chat, person: PersonConfig, said: Say) -> Message:
    msg_type, content, mentions = _content(world, said)
    parent = known_message(world, said.parent_id) if said.parent_id else None
    if parent is not None and parent.chat_id != chat.chat_id:
        raise ControlError("the message that is answered is in another chat")
    if said.in_thread and parent is not None and not parent.thread_id:
        parent.thread_id = ids.thread_id()
        world.watchers.tell("message", message=parent.shown())
    return Message(
        message_id=ids.message_id(),
        chat_id=chat.chat_id,
        sender=person.id,
        sender_type="user",
        tenant_key=person.tenant_key,
        msg_type=msg_type,
        content=content,
        create_time=world.now_ms,
        update_time=world.now_ms,
        parent_id=parent.message_id if parent else "",
        root_id=(parent.root_id or parent.message_id) if parent else "",
        thread_id=parent.thread_id if parent else "",
        mentions=mentions,
    )


def _content(world: World, said: Say) -> tuple[str, str, list[dict[str, Any]]]:
    """Type and content as bots receive them, and who is mentioned."""
    if [said.text, said.post, said.attachment].count(None) != 2:
        raise ControlError("say needs a text, a post or an attachment, and one of them")
    if said.attachment is not None:
        kind, content = _attached(world, said.person, said.attachment)
        return kind, _json(content), []
    text, mentions = keyed(world, said.text or "", said)
    if said.post is None:
        return "text", _json({"text": text}), mentions
    if not isinstance(said.post.get("content"), list):
        raise ControlError("a post has its content as a list of lines")
    return "post", _json({"title": "", **said.post}), mentions


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False)


def _attached(world: World, person_id: str, attachment: Attachment) -> tuple[str, dict[str, Any]]:
    kind: Literal["image", "file"] = "image" if attachment.kind == "image" else "file"
    name = attachment.name or f"{attachment.kind}.bin"
    resource = world.resources.add(
        kind=kind, owner=person_id, type=attachment.kind, name=name, content=attachment.data
    )
    known: dict[str, dict[str, Any]] = {
        "file": {"file_name": name},
        "audio": {"duration": attachment.duration},
        "media": {"file_name": name, "duration": attachment.duration},
    }
    return attachment.kind, {f"{kind}_key": resource.key, **known.get(attachment.kind, {})}


def _action(card: dict[str, Any], clicked: Click) -> dict[str, Any]:
    if clicked.action is not None:
        return clicked.action
    buttons = callback_buttons(card)
    if clicked.name is not None:
        buttons = [button for button in buttons if button.get("name") == clicked.name]
    index = clicked.button or 0
    if index >= len(buttons):
        raise ControlError("the card has no such callback button")
    return buttons[index]


def routes() -> list[ControlRoute]:
    return [
        command("say", Say, say),
        command("merge_forward", MergeForward, merge_forward),
        command("edit", Edit, edit),
        command("enter", Enter, enter),
        command("click", Click, click),
        command("clicks", Clicks, click_all),
        command("react", React, react),
        command("read", Read, read),
        command("menu", MenuClick, click_menu),
        command("recall", Recall, recall),
        question("messages", list_messages, query=["chat_id", "person", "app_id"]),
    ]
