"""Commands of people: written to the bot in a direct chat or, where they are for it, in a group; chosen from its menu; or put
right by editing a message."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from django.db import IntegrityError, transaction

from auth_sessions.command_words import command_in, menu_command
from auth_sessions.domain.self_service import revoke_own, send_self_service_card, view_of
from auth_sessions.domain.sessions import request_authorization
from auth_sessions.errors import CANNOT_ASK, AuthError, InvalidScopesError, NoPublicAddressError
from auth_sessions.models import Answered
from bots.errors import BotDisabledError
from bots.groups.policy import is_for
from bots.models import Bot
from core.access.actors import Actor
from core.database.connections import give_back
from events.enums import RunStatus
from events.models import Event
from feishu.errors import APIError, RateLimited
from feishu.localized import reply_localized, send_localized
from feishu.message_text import WrittenMessage, read_message
from feishu.openapi import MAX_UUID, OpenAPI
from feishu.text import Text
from feishu.values import mapping_of, text_of

logger = logging.getLogger(__name__)

LONGEST: Final = 200
"""Characters of a rich-text message that may be a command: one that is longer is a text that happens to begin like one."""
HELP = Text(
    "发送 /auth（/授权）授权我代表你使用飞书；/status（/状态）查看授权情况；/revoke（/撤销）撤销授权；/help（/帮助）查看帮助。",
    "Send /auth to let me act for you in Feishu, /status to see what you granted, /revoke to take it back, "
    "or /help to see this again.",
)
NOT_UNDERSTOOD = Text("我没有看懂这个命令。", "I do not know this command.")
ONLY_COMMANDS = Text(
    "我只认识下面的文字命令，看不懂图片、文件等其他消息。",
    "I understand the commands below, but no pictures, files or other messages.",
)
NOT_POSSIBLE = Text(
    "暂时无法发起授权，请联系管理员：{reason}",
    "An authorization cannot be started. Please contact an administrator: {reason}",
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
_PEOPLE: Final = frozenset({"", "user"})
"""What `sender_type` says of a person; bots and the platform itself have names of their own."""
_NOT_WRITTEN: Final = frozenset({"", "system"})
"""Kinds of messages that nobody wrote."""


@dataclass(frozen=True, slots=True)
class Request:
    """A person asks the bot for something. `message_id`: the message to reply to; empty for a choice from the menu."""

    bot: Bot
    open_id: str
    tenant_key: str
    key: str
    """Equal for all attempts at the same request; at most 140 characters."""
    event: Event
    message_id: str = ""
    chat_id: str = ""
    is_direct: bool = True


def run_command(event: Event, bot: Bot) -> None:
    """Run the command in the message. In a direct chat, what is no command is answered with help where nobody else takes it;
    messages of other bots are ignored, and in groups those that are not for this one."""
    message = mapping_of(event.data.get("message"))
    request = _request_in(event, bot, mapping_of(event.data.get("sender")), message)
    if request is None:
        return
    written = read_message(message)
    command = _command_of(written)
    if command is not None:
        if _is_addressed(request, written) and _claim(request, f"message:{request.message_id}"):
            command(request)
    elif request.is_direct:
        _hint(request, written)


def run_edited_command(event: Event, bot: Bot) -> None:
    """Run the command that a message holds now that it was edited, unless one was run for it before.

    The event does not say what the message says, so that is asked for (page "Get message content")."""
    edited = mapping_of(event.data.get("message")) or event.data
    open_id = text_of(mapping_of(event.data.get("operator_id")).get("open_id"))
    message_id = text_of(edited.get("message_id"))
    if not open_id or not message_id or _was_answered(bot, message_id, event):
        return
    api = OpenAPI(bot.credentials)
    give_back(before_waiting=True)
    try:
        message = api.message(message_id)
    except RateLimited:
        raise
    except APIError as error:
        # Out of the bot's reach: it may not read messages, or has left the chat.
        facts = {"app_id": bot.app_id, "event_id": event.event_id, "code": error.code, "log_id": error.log_id}
        logger.info("edited_message_not_read", extra=facts)
        return
    sender = mapping_of(message.get("sender"))
    if message.get("deleted") or (sender.get("id_type") == "open_id" and sender.get("id") != open_id):
        return
    sender = sender | {"sender_id": {"open_id": open_id}}
    request = _request_in(event, bot, sender, edited)
    written = read_message(message)
    command = _command_of(written)
    if request is None or command is None or not _is_addressed(request, written):
        return
    if _claim(request, f"message:{message_id}"):
        command(request)


def run_menu_command(event: Event, bot: Bot) -> None:
    """Run the command that the chosen entry of the bot's menu stands for; entries of other systems are left to them."""
    open_id = text_of(mapping_of(mapping_of(event.data.get("operator")).get("operator_id")).get("open_id"))
    command = COMMANDS.get(menu_command(text_of(event.data.get("event_key"))))
    if command is not None and open_id:
        command(Request(bot, open_id, event.tenant_key, event.dedupe_key, event))


def not_possible(error: AuthError | BotDisabledError) -> Text:
    """Why no authorization can be started, for the person who asked for it."""
    reason = _REASONS.get(error.code, Text(error.code, error.code))
    return Text(
        NOT_POSSIBLE.zh_cn.format(reason=reason.zh_cn), NOT_POSSIBLE.en_us.format(reason=reason.en_us)
    )


def greet(bot: Bot, *, open_id: str) -> None:
    """Send the help text: once, however often a person opens the chat before it arrives. The platform sends what has the same
    uuid once an hour."""
    send_localized(OpenAPI(bot.credentials), open_id, HELP, uuid=f"greet-{open_id}"[:MAX_UUID])


def _request_in(event: Event, bot: Bot, sender: dict[str, Any], message: dict[str, Any]) -> Request | None:
    """The request of a message; None where no person wrote it."""
    open_id, message_id = (
        text_of(mapping_of(sender.get("sender_id")).get("open_id")),
        text_of(message.get("message_id")),
    )
    if text_of(sender.get("sender_type")) not in _PEOPLE or not open_id or not message_id:
        return None
    return Request(
        bot=bot,
        open_id=open_id,
        tenant_key=text_of(sender.get("tenant_key")) or event.tenant_key,
        key=f"message:{message_id}"[:140],
        event=event,
        message_id=message_id,
        chat_id=text_of(message.get("chat_id")),
        is_direct=message.get("chat_type") == "p2p",
    )


def _command_of(written: WrittenMessage) -> "Command | None":
    """The command a message begins with. A long text, or one with pictures, only happens to begin like one."""
    word = command_in(written.text) if written.is_written else None
    if word is None or written.has_media or (written.kind == "post" and len(written.text) > LONGEST):
        return None
    return COMMANDS.get(word.name)


def _is_addressed(request: Request, written: WrittenMessage) -> bool:
    """Whether the message is for this bot; see ``events.is_addressed``. Of an edited message its event does not say that."""
    return request.is_direct or is_for(request.bot, written, chat_id=request.chat_id)


def _hint(request: Request, written: WrittenMessage) -> None:
    """Say what the bot understands: to what looks like a command each time, to a picture or a file once in a month."""
    word = command_in(written.text)
    if word is None:
        has_strange = written.has_media or not (written.is_written or written.kind in _NOT_WRITTEN)
        if has_strange and not _is_taken(request.event) and _claim(request, f"hint:{request.open_id}"):
            _reply(request, _joined(ONLY_COMMANDS, HELP))
        return
    is_ours = not word.name or bool(get_close_matches(word.name, COMMANDS, n=1))
    if is_ours or (word.has_slash and not _is_taken(request.event)):
        _reply(request, _joined(NOT_UNDERSTOOD, HELP))


def _is_taken(event: Event) -> bool:
    """Whether another handler or a subscription got the event: then that system answers people."""
    others = event.handler_runs.exclude(handler__startswith="auth_sessions.").exclude(
        status=RunStatus.SKIPPED
    )
    return others.exists() or event.deliveries.exists()


def _was_answered(bot: Bot, message_id: str, event: Event) -> bool:
    key = f"message:{message_id}"[:140]
    return Answered.objects.filter(bot=bot, key=key).exclude(event_pk=event.pk).exists()


def _claim(request: Request, key: str) -> bool:
    """Whether this event is the one to be answered for `key`: the first one, also when it is attempted again."""
    key = key[:140]
    try:
        with transaction.atomic():
            Answered.objects.create(bot=request.bot, key=key, event_pk=request.event.pk)
    except IntegrityError:
        return Answered.objects.filter(bot=request.bot, key=key, event_pk=request.event.pk).exists()
    return True


def _authorize(request: Request) -> None:
    """Asks the person, unless they have allowed everything: then they are told until when, and may authorize again."""
    view = view_of(bot=request.bot, open_id=request.open_id, tenant_key=request.tenant_key, uses=0)
    if view.is_complete:
        send_self_service_card(
            bot=request.bot,
            open_id=request.open_id,
            tenant_key=request.tenant_key,
            key=str(request.event.pk),
            asked_again=True,
        )
        return
    try:
        request_authorization(
            bot=request.bot,
            open_id=request.open_id,
            tenant_key=request.tenant_key,
            actor=Actor.user(request.open_id),
            request_key=request.key,
        )
    except CANNOT_ASK as error:
        _reply(request, not_possible(error))


def _status(request: Request) -> None:
    """Sends the card to the person alone, also from a group: what they granted concerns nobody else."""
    send_self_service_card(
        bot=request.bot, open_id=request.open_id, tenant_key=request.tenant_key, key=str(request.event.pk)
    )


def _revoke(request: Request) -> None:
    view = view_of(bot=request.bot, open_id=request.open_id, tenant_key=request.tenant_key, uses=0)
    text = NOT_GRANTED if revoke_own(view) is None else REVOKED
    if request.is_direct:
        _reply(request, text)
    else:
        _send(request, text)


def _help(request: Request) -> None:
    _reply(request, HELP)


def _joined(*texts: Text) -> Text:
    return Text("".join(text.zh_cn for text in texts), " ".join(text.en_us for text in texts))


def _reply(request: Request, text: Text) -> None:
    """A retry sends nothing: the uuid is the event's."""
    if not request.message_id:
        _send(request, text)
        return
    api = OpenAPI(request.bot.credentials)
    give_back(before_waiting=True)
    reply_localized(api, request.message_id, text, uuid=f"reply-{request.event.pk}")


def _send(request: Request, text: Text) -> None:
    """To the person alone."""
    api = OpenAPI(request.bot.credentials)
    give_back(before_waiting=True)
    send_localized(api, request.open_id, text, uuid=f"reply-{request.event.pk}")


Command = Callable[[Request], None]

COMMANDS: dict[str, Command] = {
    "auth": _authorize,
    "授权": _authorize,
    "授權": _authorize,
    "status": _status,
    "状态": _status,
    "狀態": _status,
    "revoke": _revoke,
    "撤销": _revoke,
    "撤銷": _revoke,
    "help": _help,
    "帮助": _help,
    "幫助": _help,
}
