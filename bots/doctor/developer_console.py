"""Where a person goes to set something right: the page of the app in the developer console, the chat with the bot."""

from typing import Final
from urllib.parse import urlsplit

from bots.models import Bot
from feishu.platforms import FEISHU, LARK

_CHATS: Final = {
    urlsplit(FEISHU.open_url).hostname: "https://applink.feishu.cn",
    urlsplit(LARK.open_url).hostname: "https://applink.larksuite.com",
}
"""By the host of the developer console (page "Open a bot"): a custom address that is one of the brands' own has one too."""


def console_page(bot: Bot, page: str) -> str:
    """The address of ``page``, e.g. ``safe``; empty for a platform whose developer console is not known."""
    host = _host(bot)
    return f"https://{host}/app/{bot.app_id}/{page}" if host and page else ""


def chat_with(bot: Bot) -> str:
    """The address that opens the chat with the bot in Feishu or Lark; empty where there is none."""
    host = _host(bot)
    return f"{_CHATS[host]}/client/bot/open?appId={bot.app_id}" if host else ""


def _host(bot: Bot) -> str:
    host = urlsplit(bot.addresses.open_url).hostname or ""
    return host if host in _CHATS else ""
