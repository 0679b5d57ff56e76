"""Built-in handlers that only write a line into the log, with the event's names and IDs.

Handlers of frequent events are off until an operator switches them on for a bot. So is the handler of all other events,
and an event that only it would take is ignored without a handler run: most tenants subscribe to more than they handle.
"""

import logging
from typing import Any

from bots.models import Bot
from events.handling.registry import OTHERS, on
from events.models import Event

logger = logging.getLogger(__name__)

LOGGED = ("chat_id", "message_id", "open_department_id", "approval_code", "instance_code", "status")


@on("im.chat.member.bot.added_v1", atomic=False)
def bot_added_to_chat(event: Event, bot: Bot) -> None:
    """The bot is in a group now."""
    _log("bot_added_to_chat", event, bot)


@on("im.chat.member.bot.deleted_v1", atomic=False)
def bot_removed_from_chat(event: Event, bot: Bot) -> None:
    """The bot is no longer in a group: messages to it will be refused."""
    _log("bot_removed_from_chat", event, bot)


@on("im.chat.member.user.*_v1", atomic=False)
def members_changed(event: Event, bot: Bot) -> None:
    """People came into a group of the bot, or left it."""
    users = event.data.get("users")
    _log("chat_members_changed", event, bot, people=len(users) if isinstance(users, list) else 0)


@on("contact.department.*_v3", atomic=False)
def department_changed(event: Event, bot: Bot) -> None:
    """A department was created, changed or deleted."""
    _log("department_changed", event, bot)


@on("contact.user.created_v3", atomic=False)
def person_joined(event: Event, bot: Bot) -> None:
    """Somebody joined the company. Nothing of theirs is known here yet."""
    _log("person_joined", event, bot)


@on("im.message.message_read_v1", atomic=False, enabled=False)
def messages_read(event: Event, bot: Bot) -> None:
    """Somebody read what the bot wrote."""
    messages = event.data.get("message_id_list")
    _log("messages_read", event, bot, messages=len(messages) if isinstance(messages, list) else 0)


@on(OTHERS, atomic=False, enabled=False)
def other_event(event: Event, bot: Bot) -> None:
    """An event that no other handler takes."""
    _log("other_event", event, bot)


def _log(message: str, event: Event, bot: Bot, **facts: Any) -> None:
    inner = event.data.get("object")
    data = {**event.data, **inner} if isinstance(inner, dict) else event.data
    fields = {key: data[key] for key in LOGGED if isinstance(data.get(key), str)}
    logger.info(message, extra={"app_id": bot.app_id, "event_type": event.event_type, **fields, **facts})
