"""The occasions on which a bot greets. Each handler is off until a greeting is set for the bot."""

from typing import Any, Final

from bots.models import Bot
from events import on
from events.models import Event
from feishu.values import mapping_of, objects_of, text_of
from feishu_portal.greetings.answering import Visit, greet
from feishu_portal.greetings.enums import Occasion

MAX_PEOPLE: Final = 100
"""Of one event that are read."""


@on("im.chat.access_event.bot_p2p_chat_entered_v1", name="greetings.welcome", atomic=False, enabled=False)
def welcome(event: Event, bot: Bot) -> None:
    """A person opens the chat with the bot. The event comes with every visit; in a chat that holds a message it is not the
    first."""
    if not event.data.get("last_message_id"):
        _welcome(event, bot, mapping_of(event.data.get("operator_id")))


@on("p2p_chat_create", name="greetings.welcome_created", atomic=False, enabled=False)
def welcome_created(event: Event, bot: Bot) -> None:
    """The chat of a person with the bot is made, which older clients say in this way alone."""
    _welcome(event, bot, mapping_of(event.data.get("user")))


@on("im.chat.member.bot.added_v1", name="greetings.bot_added", atomic=False, enabled=False)
def bot_added(event: Event, bot: Bot) -> None:
    """The bot is in a group now."""
    greet(event, bot, Occasion.BOT_ADDED, Visit(_text(event.data, "chat_id"), _text(event.data, "name")))


@on("im.chat.member.user.added_v1", name="greetings.people_joined", atomic=False, enabled=False)
def people_joined(event: Event, bot: Bot) -> None:
    """People came into a group of the bot."""
    listed = objects_of(event.data.get("users"))[:MAX_PEOPLE]
    people = tuple(
        (_text(mapping_of(user.get("user_id")), "open_id"), _text(user, "name")) for user in listed
    )
    visit = Visit(_text(event.data, "chat_id"), _text(event.data, "name"), people)
    greet(event, bot, Occasion.PEOPLE_JOINED, visit)


@on("application.bot.menu_v6", name="greetings.menu", atomic=False, enabled=False)
def menu(event: Event, bot: Bot) -> None:
    """A person chose an entry of the bot's menu."""
    operator = mapping_of(event.data.get("operator"))
    open_id = _text(mapping_of(operator.get("operator_id")), "open_id")
    person = ((open_id, _text(operator, "operator_name")),)
    greet(
        event, bot, Occasion.MENU, Visit(open_id, people=person, menu_key=_text(event.data, "event_key")[:30])
    )


def _welcome(event: Event, bot: Bot, person: dict[str, Any]) -> None:
    people = ((_text(person, "open_id"), _text(person, "name")),)
    greet(event, bot, Occasion.WELCOME, Visit(_text(event.data, "chat_id"), people=people))


def _text(fields: dict[str, Any], name: str) -> str:
    return text_of(fields.get(name))
