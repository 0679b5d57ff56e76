"""Commands that people write to the bot, in a direct chat or, mentioning it, in a group."""

import json
import re
from collections.abc import Callable
from typing import Any

from auth_sessions.domain.self_service import revoke_own, send_self_service_card, view_of
from auth_sessions.domain.sessions import request_authorization
from auth_sessions.errors import CANNOT_ASK, AuthError, InvalidScopesError, NoPublicAddressError
from bots.errors import BotDisabledError
from bots.models import Bot
from core.access.actors import Actor
from events.models import Event
from feishu.openapi import OpenAPI
from feishu.text import Text

HELP = Text(
    "发送 /auth（/授权）授权我代表你使用飞书；/status（/状态）查看授权情况；/revoke（/撤销）撤销授权；/help（/帮助）查看帮助。",
    "Send /auth to let me act for you in Feishu, /status to see what you granted, /revoke to take it back, "
    "or /help to see this again.",
)
NOT_POSSIBLE = Text(
    "暂时无法发起授权，请联系管理员：{reason}",
    "An authorization cannot be started. Please tell an administrator: {reason}",
)
NOT_GRANTED = Text(
    "你还没有授权。发送 /auth 开始授权。", "You have not granted anything. Send /auth to begin."
)
REVOKED = Text(
    "已撤销你的授权，我不再代表你使用飞书。",
    "Your authorization has been withdrawn. I no longer act for you in Feishu.",
)
_REASONS = {
    NoPublicAddressError.code: Text(
        "未设置 PUBLIC_URL，浏览器无法返回门户。",
        "PUBLIC_URL is not set, so a browser cannot come back to the portal.",
    ),
    BotDisabledError.code: Text("机器人已停用。", "The bot is disabled."),
    InvalidScopesError.code: Text("机器人的授权范围设置有误。", "The scopes set for the bot are not valid."),
}
_MENTION = re.compile(r"@_user_\d+|@_all")


def run_command(event: Event, bot: Bot) -> None:
    """Run the command in the message, if there is one. Messages of other bots are ignored."""
    sender = event.data.get("sender") or {}
    command = COMMANDS.get(_first_word(event.data))
    if command is not None and sender.get("sender_type") != "bot" and _writer(event):
        command(event, bot)


def not_possible(error: AuthError | BotDisabledError) -> Text:
    """Why no authorization can be started, for the person who asked for it."""
    reason = _REASONS.get(error.code, Text(error.code, error.code))
    return Text(
        NOT_POSSIBLE.zh_cn.format(reason=reason.zh_cn), NOT_POSSIBLE.en_us.format(reason=reason.en_us)
    )


def greet(event: Event, bot: Bot, *, open_id: str) -> None:
    """Send the help text, once per event."""
    OpenAPI(bot.credentials).send_text(open_id, f"{HELP.zh_cn}\n{HELP.en_us}", uuid=f"greet-{event.pk}")


def _first_word(data: dict[str, Any]) -> str:
    message = data.get("message") or {}
    if message.get("message_type") != "text":
        return ""
    try:
        text = json.loads(message.get("content") or "{}").get("text", "")
    except (ValueError, AttributeError):
        return ""
    words = _MENTION.sub(" ", str(text)).split()
    return words[0].lower() if words else ""


def _writer(event: Event) -> str:
    sender = event.data.get("sender") or {}
    return (sender.get("sender_id") or {}).get("open_id") or ""


def _authorize(event: Event, bot: Bot) -> None:
    try:
        request_authorization(
            bot=bot,
            open_id=_writer(event),
            tenant_key=_tenant(event),
            actor=Actor.user(_writer(event)),
            request_key=event.dedupe_key,
        )
    except CANNOT_ASK as error:
        _reply(event, bot, not_possible(error))


def _status(event: Event, bot: Bot) -> None:
    """Sends the card to the person alone, also from a group: what they granted concerns nobody else."""
    send_self_service_card(bot=bot, open_id=_writer(event), tenant_key=_tenant(event), key=str(event.pk))


def _revoke(event: Event, bot: Bot) -> None:
    view = view_of(bot=bot, open_id=_writer(event), tenant_key=_tenant(event), uses=0)
    _tell(event, bot, NOT_GRANTED if revoke_own(view) is None else REVOKED)


def _help(event: Event, bot: Bot) -> None:
    _reply(event, bot, HELP)


def _tenant(event: Event) -> str:
    return str(event.data["sender"].get("tenant_key") or event.tenant_key)


def _reply(event: Event, bot: Bot, text: Text) -> None:
    """In both languages, because the platform does not translate text messages. A retry sends nothing: the uuid is the event's."""
    OpenAPI(bot.credentials).reply(
        event.data["message"]["message_id"],
        "text",
        {"text": f"{text.zh_cn}\n{text.en_us}"},
        uuid=f"reply-{event.pk}",
    )


def _tell(event: Event, bot: Bot, text: Text) -> None:
    """Replies, or from a group writes to the person alone."""
    if event.data["message"].get("chat_type") == "p2p":
        _reply(event, bot, text)
        return
    OpenAPI(bot.credentials).send_text(
        _writer(event), f"{text.zh_cn}\n{text.en_us}", uuid=f"reply-{event.pk}"
    )


COMMANDS: dict[str, Callable[[Event, Bot], None]] = {
    "/auth": _authorize,
    "/授权": _authorize,
    "/status": _status,
    "/状态": _status,
    "/revoke": _revoke,
    "/撤销": _revoke,
    "/help": _help,
    "/帮助": _help,
}
