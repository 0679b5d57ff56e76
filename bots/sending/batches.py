"""Batches of messages: one message to many, each under a key of its own, so that nobody gets it twice.

A recipient's message is a ``Sending`` like any other (``bots.sending.service``), written down before it is sent.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Final

from bots.enums import MailingState, RecipientState, SendingKind
from bots.errors import (
    BotDisabledError,
    OutcomeUnknownError,
    SendingError,
    SendingUnderWayError,
    TooManyBatchesError,
)
from bots.mailings.recipients import Named
from bots.mailings.service import begin
from bots.mailings.walk import Mailer
from bots.models import BatchRecipient, Bot, MessageBatch
from bots.sending.content import Outgoing
from bots.sending.idempotency import earlier, key_hash, once
from bots.sending.service import nothing_happened, send
from core.access.actors import Actor
from core.database.text import storable
from feishu.errors import FeishuError, RateLimited
from feishu.openapi import receive_id_type

MAX_UNDER_WAY: Final = 20
"""Batches of one client that are not done."""
BATCHES_KEPT: Final = timedelta(days=30)
"""After they ended; the message goes with them."""


class BatchMailer(Mailer[MessageBatch, BatchRecipient]):
    mailings: ClassVar[type[Any]] = MessageBatch
    recipients: ClassVar[type[Any]] = BatchRecipient
    task: ClassVar[str] = "bots.advance_batch"
    noun: ClassVar[str] = "message_batch"

    def resolved(self, mailing: MessageBatch) -> MailingState:  # noqa: ARG002 -- the signature
        return MailingState.SENDING

    def send(self, mailing: MessageBatch, recipient: BatchRecipient) -> dict[str, Any]:
        """Under the recipient's key, by which service and platform know a repetition. Raises FeishuError, BotDisabledError,
        SealedValueError."""
        outgoing = Outgoing(
            kind=SendingKind.MESSAGE,
            target=recipient.target,
            receive_id_type=receive_id_type(recipient.target),
            msg_type=mailing.msg_type,
            content=mailing.content,
        )
        try:
            sent = send(
                bot=mailing.bot,
                outgoing=outgoing,
                actor=mailing.actor,
                key=f"batch:{mailing.pk}:{recipient.pk}",
            )
        except SendingUnderWayError as error:
            # By a worker that has just died, or is about to end.
            raise RateLimited("under way", reset_after=float(error.seconds)) from None
        except OutcomeUnknownError:
            return {"state": RecipientState.UNKNOWN}
        except SendingError as error:
            return {"state": RecipientState.FAILED, "reason": error.code[:40]}
        return {
            "state": RecipientState.SENT,
            "message_id": storable(sent.message_id, 128),
            "chat_id": storable(sent.chat_id, 128),
        }

    def state_after(self, error: FeishuError) -> RecipientState:
        """Where nobody knows whether it was sent, nobody is to send it again."""
        return RecipientState.FAILED if nothing_happened(error) else RecipientState.UNKNOWN


BATCHES: Final = BatchMailer()


@dataclass(frozen=True, slots=True)
class Created:
    """``is_repeated``: by an earlier request with the same key; this one began nothing."""

    batch: MessageBatch
    is_repeated: bool = False


def create_batch(
    *, bot: Bot, named: Sequence[Named], msg_type: str, content: dict[str, Any], actor: Actor, key: str = ""
) -> Created:
    """Begin to look the recipients up and to send to them. Raises BotDisabledError, TooManyBatchesError, KeyReusedError,
    SendingUnderWayError."""
    if not bot.enabled:
        raise BotDisabledError
    asked = [sorted((one.kind.value, one.given) for one in named), msg_type, content]
    fingerprint = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    hashed = key_hash(key)
    with once():
        if hashed is not None:
            same = MessageBatch.objects.filter(bot=bot, client=actor.client_id, key_hash=hashed)
            if (found := earlier(same, fingerprint=fingerprint, began="created_at")) is not None:
                return Created(found, is_repeated=True)
        if _under_way(actor) >= MAX_UNDER_WAY:
            raise TooManyBatchesError
        batch = MessageBatch.objects.create(
            bot=bot,
            requested_by=str(actor),
            operator_id=actor.operator_id,
            client_id=actor.client_id,
            msg_type=msg_type,
            content=content,
            key_hash=hashed,
            fingerprint=fingerprint,
        )
        begin(BATCHES, batch, named, actor=actor, msg_type=msg_type)
    batch.refresh_from_db()
    return Created(batch)


def _under_way(actor: Actor) -> int:
    return MessageBatch.objects.moving().filter(client=actor.client_id, requested_by=str(actor)).count()
