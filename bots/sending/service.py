"""Sending for API clients: written down before it is sent, and sent once however often the same request comes.

A client that repeats a request under the same key gets the first answer, for a day. The key goes to the platform as
well, which sends once in an hour (page "Send message", uuid): not even a process that dies between sending and writing
down makes a message come twice. What was refused sent nothing, and a repetition attempts it again.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import Error, transaction
from django.db.models import F
from django.utils import timezone

from bots.enums import SendingKind, SendingState
from bots.errors import BotDisabledError, OutcomeUnknownError, SendingUnderWayError
from bots.models import Bot, Sending
from bots.sending.content import Outgoing
from bots.sending.idempotency import earlier, key_hash, once
from bots.sending.own_cards import refuse_own_card
from core.access.actors import Actor
from core.database.connections import give_back
from core.database.errors import described
from core.database.text import storable
from core.log_pace import THINNED
from core.vault.redaction import redact_text
from feishu.errors import APIError, FeishuError, RateLimited
from feishu.openapi import OpenAPI, SentMessage, message_uuid

if TYPE_CHECKING:
    from django.db.models import QuerySet

logger = logging.getLogger(__name__)

UUID_LIFE: Final = timedelta(minutes=55)
"""In which the platform certainly knows a uuid again; it promises an hour."""
ATTEMPT_SECONDS: Final = 120
"""Longer than any attempt takes: two calls and two questions for a token, each bounded."""


@dataclass(frozen=True, slots=True)
class Sent:
    """``is_repeated``: by an earlier request with the same key; this one sent nothing."""

    message_id: str
    chat_id: str
    is_repeated: bool = False


def send(*, bot: Bot, outgoing: Outgoing, actor: Actor, key: str = "") -> Sent:
    """Send it as the bot. Call it outside a transaction. Raises SendingError, SealedValueError or FeishuError."""
    if not bot.enabled:
        raise BotDisabledError
    if outgoing.kind == SendingKind.UPDATE:
        refuse_own_card(bot, outgoing.target)
    api = OpenAPI(bot.credentials)
    sending = _begin(bot, outgoing, actor, key)
    if sending.state == SendingState.SENT:
        return Sent(sending.message_id, sending.chat_id, is_repeated=True)
    # The platform knows a repetition by it for an hour.
    uuid = message_uuid(bot.pk, actor.client_id, key) if key else None
    give_back(before_waiting=True)
    try:
        message = outgoing.send(api, uuid=uuid)
    except FeishuError as error:
        logger.warning(
            "message_not_sent",
            extra={
                "app_id": bot.app_id,
                "sending": sending.pk,
                "kind": sending.kind,
                "platform_code": error.code,
                "http_status": error.http_status,
                "reason": error.reason or "",
                "error": redact_text(error.message),
                "log_id": error.log_id,
            },
        )
        _end_failed(sending, error)
        raise
    _end_sent(sending, message)
    return Sent(message.message_id, message.chat_id)


def nothing_happened(error: FeishuError) -> bool:
    """Whether it is certain that a call which ended so did nothing at the platform."""
    if isinstance(error, APIError):
        return isinstance(error, RateLimited) or (error.code is not None and not error.retryable)
    return getattr(error, "sent", "unknown") == "no"


@transaction.atomic(durable=True)
def _begin(bot: Bot, outgoing: Outgoing, actor: Actor, key: str) -> Sending:
    """The row of the request, with an attempt claimed; or one that was sent already. Raises SendingError."""
    new = Sending(
        bot=bot,
        actor=str(actor),
        client_id=actor.client_id,
        kind=outgoing.kind,
        receive_id_type=outgoing.receive_id_type or "",
        target=outgoing.target,
        msg_type=outgoing.msg_type,
        key_hash=key_hash(key),
        fingerprint=outgoing.fingerprint,
    )
    if key:
        same = Sending.objects.filter(bot=bot, client=actor.client_id, key_hash=new.key_hash)
        if (found := earlier(same, fingerprint=new.fingerprint)) is not None:
            return _attempt_again(found)
    with once():
        new.save(force_insert=True)
    return new


def _attempt_again(sending: Sending) -> Sending:
    """Claim another attempt, unless there is nothing left to do or it is not safe."""
    now = timezone.now()
    if sending.state == SendingState.SENT:
        return sending
    left = sending.attempted_at + timedelta(seconds=ATTEMPT_SECONDS) - now
    if sending.state == SendingState.SENDING and left > timedelta():
        raise SendingUnderWayError(min(5, int(left.total_seconds()) + 1))
    if sending.state != SendingState.NOT_SENT and sending.doubtful_since is None:
        sending.doubtful_since = sending.attempted_at
    doubtful = sending.doubtful_since
    # The same card once more does no harm.
    if doubtful is not None and doubtful < now - UUID_LIFE and sending.kind != SendingKind.UPDATE:
        raise OutcomeUnknownError
    claimed = Sending.objects.filter(pk=sending.pk, attempts=sending.attempts).update(
        state=SendingState.SENDING, attempts=F("attempts") + 1, attempted_at=now, doubtful_since=doubtful
    )
    if not claimed:
        raise SendingUnderWayError(1)
    sending.attempts, sending.state = sending.attempts + 1, SendingState.SENDING
    return sending


def _end_sent(sending: Sending, message: SentMessage) -> None:
    """Whatever a later attempt has written: under one key there is one message."""
    _write(
        Sending.objects.filter(pk=sending.pk),
        state=SendingState.SENT,
        message_id=storable(message.message_id, 128),
        chat_id=storable(message.chat_id, 128),
        code=None,
        reason="",
        said="",
        log_id="",
    )


def _end_failed(sending: Sending, error: FeishuError) -> None:
    """Unless a later attempt has begun, which will say how it ended."""
    _write(
        Sending.objects.filter(pk=sending.pk, attempts=sending.attempts),
        state=SendingState.NOT_SENT if nothing_happened(error) else SendingState.UNKNOWN,
        code=error.code,
        reason=error.reason or "",
        said=storable(redact_text(error.message), 300),
        log_id=storable(error.log_id, 128),
    )


def _write(row: "QuerySet[Sending]", **values: Any) -> None:
    """Where the database is away, the row stays as it is: the caller still gets the platform's answer, and the uuid keeps
    the message from being sent twice."""
    try:
        row.update(**values)
    except Error as error:
        logger.warning("sending_not_written", extra=described(error) | THINNED)
