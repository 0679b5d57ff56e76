"""Feishu or Lark: an app belongs to one of them, and a bot that was set to the other can be set right."""

from dataclasses import replace
from typing import Final

from django.db import transaction

from bots.enums import PlatformName
from bots.models import Bot
from bots.service import save_bot
from core.access.actors import Actor
from core.database.connections import give_back
from feishu.categories import Category
from feishu.credentials import AppCredentials
from feishu.errors import APIError
from feishu.platforms import FEISHU, LARK
from feishu.tenant_tokens import TenantTokens

_OTHER: Final = {
    PlatformName.FEISHU.value: PlatformName.LARK,
    PlatformName.LARK.value: PlatformName.FEISHU,
}
_ADDRESSES: Final = {PlatformName.FEISHU: FEISHU, PlatformName.LARK: LARK}
APP_UNKNOWN: Final = frozenset({10003, 10014, 99991543, 1000040346})
"""Codes with which a brand may answer for an app that is the other one's: it does not know it."""
_WRONG_CREDENTIALS: Final = 1000040345
"""App ID or App Secret: the long connection does not tell which."""


def other_brand(bot: Bot) -> PlatformName | None:
    """The brand the bot is not set to; None for one with addresses of its own."""
    return _OTHER.get(bot.platform)


def platform_names_other_brand(bot: Bot) -> bool:
    """Whether the platform itself says that a connection of the bot asks the wrong brand."""
    problems = (slot.problem for slot in bot.slots.all())
    return any(problem and problem.category is Category.WRONG_BRAND for problem in problems)


def may_be_wrong_brand(bot: Bot) -> bool:
    """Whether what the platform answers could come from the wrong brand."""
    unknown = any(slot.error_code in {*APP_UNKNOWN, _WRONG_CREDENTIALS} for slot in bot.slots.all())
    return other_brand(bot) is not None and (unknown or platform_names_other_brand(bot))


def is_known_to(brand: PlatformName, credentials: AppCredentials, tokens: TenantTokens | None = None) -> bool:
    """Whether the brand accepts App ID and App Secret. One call; raises TransportError or MalformedAnswer."""
    give_back(before_waiting=True)
    try:
        (tokens or TenantTokens()).get(replace(credentials, platform=_ADDRESSES[brand]))
    except APIError:
        return False
    return True


@transaction.atomic
def switch_brand(bot: Bot, *, to: PlatformName, app_secret: str, actor: Actor) -> None:
    """Set the bot to the other brand; its connections are opened there in the fleet's next round.

    The App Secret is given again, as with every change of where it is sent.
    """
    bot.platform, bot.app_secret = to.value, app_secret
    save_bot(bot, changed=["platform", "app_secret"], actor=actor, action="bot.brand_switched")
