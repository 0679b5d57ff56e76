"""What an app has to have for the portal: asked for in the QR code, so that nobody enters it in the developer console.

All that the checklist of a bot compares and that the portal's own functions take. Apps above register what theirs take.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from bots.doctor.people import SCOPES as NAMES
from bots.doctor.scopes import GROUP_MESSAGES
from bots.groups.policy import answers_unmentioned
from bots.models import Bot, default_scopes
from feishu.app_registration import Addons
from feishu.callbacks import CLICK
from feishu.envelope import MESSAGE_RECEIVED

APP_SCOPES: Final = (
    "im:message:send_as_bot",
    "im:message.p2p_msg:readonly",
    "im:message.group_at_msg:readonly",
    "cardkit:card:write",
    "im:chat:read",
    *NAMES,
    "application:application:self_manage",
)
"""For the app's own identity: sending, hearing direct chats and mentions, streaming into cards, the names of groups and of
people, reading its own set-up."""
EVENTS: Final = (
    MESSAGE_RECEIVED,
    "im.chat.access_event.bot_p2p_chat_entered_v1",
    "application.bot.menu_v6",
)
CALLBACKS: Final = (CLICK,)


@dataclass(frozen=True, slots=True)
class Needs:
    """What a function that is set up for a bot takes: scopes of the app's own identity, and events."""

    scopes: tuple[str, ...] = ()
    events: tuple[str, ...] = ()


Source: TypeAlias = Callable[[Bot], Iterable[Needs]]
"""Reads a bounded number of rows."""

_sources: list[Source] = []


def register(source: Source) -> Source:
    """A decorator; the module is to be loaded by ``AppConfig.ready``."""
    _sources.append(source)
    return source


@register
def _groups(bot: Bot) -> Iterator[Needs]:
    if answers_unmentioned(bot):
        yield Needs(scopes=GROUP_MESSAGES[:1])


def addons(bot: Bot | None) -> Addons:
    """What the app of a bot needs as the bot is set up now; None: what a new one does."""
    needs = [one for source in _sources for one in source(bot)] if bot else []
    return Addons(
        tenant_scopes=_joined(APP_SCOPES, *(one.scopes for one in needs)),
        user_scopes=tuple(bot.auth_scopes if bot else default_scopes()),
        tenant_events=_joined(EVENTS, *(one.events for one in needs)),
        callbacks=CALLBACKS,
    )


def _joined(*lists: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for names in lists for name in names))
