"""The groups that a bot is in, as the platform lists them, for whoever chooses one by name."""

from dataclasses import dataclass
from typing import Final

from bots.errors import BotDisabledError, LookupBusyError
from bots.models import Bot
from bots.people.keys import folded
from core.background.limits import ConcurrencyLimits
from core.database.connections import give_back
from feishu.directory import MAX_CHATS, ChatInfo, Directory, all_pages
from feishu.openapi import OpenAPI
from feishu.transport import Transport

SECONDS: Final = 5.0
"""For each call; a page waits for them."""
MAX_PAGES: Final = 10
MAX_LISTED: Final = MAX_PAGES * MAX_CHATS
MAX_LOOKUPS: Final = 8
"""At once, in a process."""

_limits = ConcurrencyLimits()


@dataclass(frozen=True, slots=True)
class Chats:
    """In the order of their names. ``is_all``: False where there are more than ``MAX_LISTED``."""

    listed: list[ChatInfo]
    is_all: bool


def chats_of(bot: Bot, *, asked_by: object, transport: Transport | None = None) -> Chats:
    """Call it outside a transaction. Raises LookupBusyError, BotDisabledError, SealedValueError, FeishuError.

    ``asked_by`` has a quarter of all questions at most. Needs im:chat:read or im:chat:readonly.
    """
    if not bot.enabled:
        raise BotDisabledError
    directory = Directory(OpenAPI(bot.credentials, transport), timeout=SECONDS)
    with _limits.fair_place(asked_by, bot.pk, limit=MAX_LOOKUPS, full=LookupBusyError()):
        give_back(before_waiting=True)
        chats = list(all_pages(lambda token: directory.chats(page_token=token), most=MAX_PAGES))
    listed = sorted((chat for chat in chats if chat.chat_id), key=lambda chat: folded(chat.name))
    return Chats(listed, is_all=len(chats) < MAX_LISTED)
