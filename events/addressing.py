"""Whether a message is for the bot that received it."""

from typing import TYPE_CHECKING

from feishu.envelope import MESSAGE_RECEIVED
from feishu.message_text import read_message
from feishu.values import mapping_of, text_of

if TYPE_CHECKING:
    from bots.models import Bot
    from events.models import Event


def is_addressed(event: "Event", bot: "Bot") -> bool:
    """Whether the event is a message for this bot: any of a direct chat, and of a group those that the bot's page, or what is
    set there for the group, says. False for an event that is no im.message.receive_v1.

    Where it depends on who is mentioned, the platform may be asked for the bot's open_id, so call it outside a transaction.
    Raises FeishuError.
    """
    from bots.groups.policy import is_for  # noqa: PLC0415 -- handlers are imported before there are models

    if event.event_type != MESSAGE_RECEIVED:
        return False
    message = mapping_of(event.data.get("message"))
    if message.get("chat_type") == "p2p":
        return True
    return is_for(bot, read_message(message), chat_id=text_of(message.get("chat_id")))
