"""The bot's own open_id: by it a mention of this bot is told from a mention of another.

No event names it, so the platform is asked (page "Obtain bot info"): by the doctor, with the count of long connections, or
when a message in a group may be for this bot.
"""

from contextlib import suppress
from uuid import UUID

from bots.models import Bot
from core.database.connections import give_back
from core.vault.keyring import SealedValueError
from feishu.errors import FeishuError
from feishu.openapi import OpenAPI
from feishu.transport import Transport


def own_open_id(bot: Bot, transport: Transport | None = None) -> str:
    """The open_id of the bot, asked for where it is not known yet. Raises FeishuError."""
    if not bot.open_id:
        api = OpenAPI(bot.credentials, transport)
        give_back(before_waiting=True)
        note_open_id(bot, api.bot_info().open_id)
    return bot.open_id


def learn_open_id(bot_id: UUID) -> None:
    """Ask ahead, so that the first message in a group need not wait; a failure is left to the next time."""
    bot = Bot.objects.enabled().filter(pk=bot_id, open_id="").first()
    if bot is not None:
        with suppress(FeishuError, SealedValueError):
            own_open_id(bot)


def note_open_id(bot: Bot, open_id: str) -> None:
    """Keep what the platform said. A bot that has moved to another platform meanwhile is left alone."""
    if bot.open_id == open_id or len(open_id) > 64:
        return
    if Bot.objects.filter(pk=bot.pk, platform=bot.platform, open_url=bot.open_url).update(open_id=open_id):
        bot.open_id = open_id
