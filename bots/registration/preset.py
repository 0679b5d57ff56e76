"""What an app has to have for the portal: asked for in the QR code, so that nobody enters it in the developer console."""

from collections.abc import Sequence
from typing import Final

from feishu.app_registration import Addons
from feishu.callbacks import CLICK
from feishu.envelope import MESSAGE_RECEIVED

APP_SCOPES: Final = (
    "im:message:send_as_bot",
    "im:message.p2p_msg:readonly",
    "im:message.group_at_msg:readonly",
    "application:application:self_manage",
)
"""For the app's own identity: sending, hearing direct chats and mentions, reading its own set-up."""
EVENTS: Final = (
    MESSAGE_RECEIVED,
    "im.chat.access_event.bot_p2p_chat_entered_v1",
    "application.bot.menu_v6",
)
CALLBACKS: Final = (CLICK,)


def addons(user_scopes: Sequence[str]) -> Addons:
    """`user_scopes`: what the bot asks people for."""
    return Addons(
        tenant_scopes=APP_SCOPES,
        user_scopes=tuple(user_scopes),
        tenant_events=EVENTS,
        callbacks=CALLBACKS,
    )
