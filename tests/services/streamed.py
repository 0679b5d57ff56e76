"""Streamed replies as the people of a sandbox see them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bots.enums import PlatformName, SendingKind
from bots.models import Bot
from bots.sending.content import Outgoing
from bots.service import BotChanges, put_bot
from core.access.actors import SYSTEM
from feishu.streaming.cards import NOTE_ID, TEXT_ID
from sandbox.config import AppConfig, SandboxConfig
from tests.services.platform import APP_ID, APP_SECRET, SandboxClient
from tests.services.ports import free_port
from tests.services.sandboxes import running_sandbox


@dataclass
class Shown:
    """One card as it stands."""

    text: str
    is_streaming: bool
    note: str
    summary: str


@dataclass
class Chat:
    """What a bot and 李雷 have said to each other."""

    sandbox: SandboxClient
    person: str = "lilei"

    @property
    def open_id(self) -> str:
        return self.sandbox.people()[self.person]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return self.sandbox.messages(person=self.person)

    @property
    def cards(self) -> list[Shown]:
        return [
            _shown(json.loads(one["content"])) for one in self.messages if one["msg_type"] == "interactive"
        ]

    @property
    def text(self) -> str:
        return "".join(card.text for card in self.cards)

    def to(self) -> Outgoing:
        return Outgoing(kind=SendingKind.MESSAGE, target=self.open_id, receive_id_type="open_id", content={})


def _shown(card: dict[str, Any]) -> Shown:
    by_id = {one.get("element_id"): one["content"] for one in card["body"]["elements"]}
    config = card["config"]
    return Shown(
        by_id.get(TEXT_ID, ""),
        config.get("streaming_mode", False),
        by_id.get(NOTE_ID, ""),
        config.get("summary", {}).get("content", ""),
    )


@contextmanager
def streaming_sandbox() -> Iterator[Chat]:
    """A sandbox that counts calls as the platform does, with one app."""
    app = AppConfig(app_id=APP_ID, app_secret=APP_SECRET, events=[])
    with running_sandbox(free_port(), SandboxConfig(apps=[app], rate_limits=True)) as client:
        yield Chat(client)


def bot_of(chat: Chat) -> Bot:
    """The portal's bot of that app."""
    values = {
        "name": "Writer",
        "platform": PlatformName.CUSTOM,
        "open_url": chat.sandbox.url,
        "accounts_url": chat.sandbox.url,
        "app_secret": APP_SECRET,
    }
    bot, _is_new = put_bot(app_id=APP_ID, changes=BotChanges(values), actor=SYSTEM)
    return bot
