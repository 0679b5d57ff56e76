"""Sending messages as a bot."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, Self, TypeAlias

from django.http import HttpRequest, HttpResponse
from ninja import Field, Header, Path, Router, Schema, Status
from pydantic import model_validator

from bots.card_templates.service import saved_card
from bots.enums import SendingKind
from bots.errors import BotDisabledError, ContentError, KeyReusedError, SendingError, SendingUnderWayError
from bots.models import Bot
from bots.sending.content import CARD, Outgoing, read_content
from bots.sending.service import Sent, send
from core.access.scopes import Scope
from core.background.limits import ConcurrencyLimits
from core.vault.keyring import SealedValueError
from feishu.errors import FeishuError
from feishu.openapi import ReceiveIdType, agreed_id_type, receive_id_type
from feishu_portal.api.keys import actor_of, bot_for, caller
from feishu_portal.api.platform_errors import upstream_problem
from feishu_portal.api.problems import Problem, overloaded, secret_sealed

router = Router()

MAX_SENDING = 64  # requests in one process; each holds a thread until the platform answers

_limits = ConcurrencyLimits()

MsgType: TypeAlias = Literal[
    "text", "post", "image", "file", "audio", "media", "sticker", "interactive", "share_chat", "share_user", "system",
]  # fmt: skip
Id: TypeAlias = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$")]
MessageId: TypeAlias = Annotated[str, Path(max_length=128, pattern=r"^[\x21-\x7e]+$")]
Key: TypeAlias = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=255,
        pattern=r"^[\x20-\x7e]*$",
        description="The same request under the same key is sent once; for 24 hours, of this client and bot.",
    ),
]
Content: TypeAlias = Annotated[
    dict[str, Any] | str, Field(description="As the platform describes it, an object or its JSON text.")
]


TemplateName: TypeAlias = Annotated[
    str | None,
    Field(min_length=1, max_length=64, description="Name or ID of a card template, in place of a content."),
]
Variables: TypeAlias = Annotated[
    dict[str, Any] | None, Field(description="Values of the card template's variables, by name.")
]


def _card_of(bot: Bot, template: str, variables: dict[str, Any] | None) -> dict[str, Any]:
    """Raises ContentError."""
    return read_content(saved_card(bot, template, variables), msg_type=CARD)


class MessageBody(Schema):
    """``text``; or ``template`` and its ``variables``; or ``msg_type`` and ``content``."""

    msg_type: MsgType | None = None
    content: Content | None = None
    text: Annotated[str | None, Field(description='Short for a "text" message.')] = None
    template: TemplateName = None
    variables: Variables = None

    @model_validator(mode="after")
    def _one_of_these(self) -> Self:
        ways = [self.text, self.template, self.msg_type]
        if ways.count(None) != len(ways) - 1 or (self.content is None) != (self.msg_type is None):
            raise ValueError("Send text, or template, or msg_type and content.")
        if self.variables is not None and self.template is None:
            raise ValueError("variables go with a template.")
        return self

    @property
    def asked(self) -> Any:
        """What knows a repetition where the content is made of it: the template may have changed meanwhile."""
        return None if self.template is None else [self.template, self.variables or {}]

    def read(self, bot: Bot) -> tuple[str, dict[str, Any]]:
        """The kind of message and its content. Raises ContentError."""
        if self.template is not None:
            return CARD, _card_of(bot, self.template, self.variables)
        msg_type = self.msg_type or "text"
        content = {"text": self.text} if self.content is None else self.content
        return msg_type, read_content(content, msg_type=msg_type)


class MessageIn(MessageBody):
    receive_id: Id
    receive_id_type: Annotated[
        ReceiveIdType | None,
        Field(
            description="Left out, it is told by the look of receive_id: ou_, on_, oc_ and @; anything else is a user_id."
        ),
    ] = None

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        if self.receive_id_type is None:
            self.receive_id_type = receive_id_type(self.receive_id)
        else:
            agreed_id_type(self.receive_id, self.receive_id_type)
        return self


class ReplyIn(MessageBody):
    reply_in_thread: bool = False


class CardIn(Schema):
    """``content``; or ``template`` and its ``variables``."""

    content: Content | None = None
    template: TemplateName = None
    variables: Variables = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.content is None) == (self.template is None):
            raise ValueError("Send content or template.")
        if self.variables is not None and self.template is None:
            raise ValueError("variables go with a template.")
        return self

    @property
    def asked(self) -> Any:
        """As for a message."""
        return None if self.template is None else [self.template, self.variables or {}]

    def read(self, bot: Bot) -> dict[str, Any]:
        """The card. Raises ContentError."""
        if self.template is not None:
            return _card_of(bot, self.template, self.variables)
        return read_content(self.content or {}, msg_type=CARD)


class MessageOut(Schema):
    message_id: str
    chat_id: str


class CardOut(Schema):
    message_id: str


@router.post("/{bot_id}/messages", response={201: MessageOut}, summary="Send a message")
def send_message(
    request: HttpRequest, response: HttpResponse, bot_id: str, data: MessageIn, *, key: Key = ""
) -> Status[Sent]:
    """As the bot, at most 150 KB of text or 30 KB of anything else. A card may be named by its card template instead. Under an
    ``Idempotency-Key`` the same request is sent once and answered alike for 24 hours (``Idempotency-Replayed: true``); 422
    ``idempotency_key_reused`` for another request, 409 ``request_in_progress`` while the first is under way, 409
    ``outcome_unknown`` where it may have been sent more than an hour ago. A refusal sent nothing: the same key may try again.
    Errors of the platform come with ``platform_code``, ``cause``, ``cure``, ``log_id`` and ``sent``, ``no`` or ``unknown``."""

    def outgoing(bot: Bot) -> Outgoing:
        msg_type, content = data.read(bot)
        return Outgoing(
            kind=SendingKind.MESSAGE,
            target=data.receive_id,
            receive_id_type=data.receive_id_type,
            msg_type=msg_type,
            content=content,
            asked=data.asked,
        )

    return Status(201, _send(request, response, bot_id, outgoing, key))


@router.post(
    "/{bot_id}/messages/{message_id}/reply", response={201: MessageOut}, summary="Reply to a message"
)
def reply(
    request: HttpRequest,
    response: HttpResponse,
    bot_id: str,
    message_id: MessageId,
    data: ReplyIn,
    *,
    key: Key = "",
) -> Status[Sent]:
    """As the bot, in the message's topic with ``reply_in_thread``. Keys, limits and errors as for a message."""

    def outgoing(bot: Bot) -> Outgoing:
        msg_type, content = data.read(bot)
        return Outgoing(
            kind=SendingKind.REPLY,
            target=message_id,
            msg_type=msg_type,
            content=content,
            asked=data.asked,
            in_thread=data.reply_in_thread,
        )

    return Status(201, _send(request, response, bot_id, outgoing, key))


@router.patch("/{bot_id}/messages/{message_id}", response=CardOut, summary="Update a card")
def update_card(
    request: HttpRequest,
    response: HttpResponse,
    bot_id: str,
    message_id: MessageId,
    data: CardIn,
    *,
    key: Key = "",
) -> Sent:
    """A card that the bot sent less than 14 days ago, with ``update_multi`` in both versions; five times a second at most.
    Keys and errors as for a message."""

    def outgoing(bot: Bot) -> Outgoing:
        return Outgoing(kind=SendingKind.UPDATE, target=message_id, content=data.read(bot), asked=data.asked)

    return _send(request, response, bot_id, outgoing, key)


def _send(
    request: HttpRequest, response: HttpResponse, bot_id: str, outgoing: Callable[[Bot], Outgoing], key: str
) -> Sent:
    client = caller(request, Scope.MESSAGES_SEND)
    bot = bot_for(client, bot_id)
    full = overloaded("Too many messages are being sent at once.")
    try:
        with _limits.fair_place(client.pk, bot.pk, limit=MAX_SENDING, full=full):
            sent = send(bot=bot, outgoing=outgoing(bot), actor=actor_of(request), key=key)
    except (SendingError, BotDisabledError, SealedValueError, FeishuError) as error:
        raise sending_problem(error) from error
    if sent.is_repeated:
        response["Idempotency-Replayed"] = "true"
    return sent


def sending_problem(error: Exception) -> Problem:
    """Why a message was not sent, or may not have been: SendingError, BotDisabledError, SealedValueError or FeishuError."""
    if isinstance(error, FeishuError):
        return upstream_problem(error)
    if isinstance(error, SealedValueError):
        return secret_sealed()
    if not isinstance(error, SendingError | BotDisabledError):
        raise error
    if isinstance(error, SendingUnderWayError):
        retry = {"Retry-After": str(error.seconds)}
        return Problem(409, error.code, str(error), headers=retry)
    is_wrong = isinstance(error, (ContentError, KeyReusedError))
    return Problem(422 if is_wrong else 409, error.code, str(error))
